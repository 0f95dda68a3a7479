{{/* The operator's configuration file; its schema is soloist.api.platform.Platform, which refuses unknown keys. */}}
{{- define "soloist.config" -}}
{{- $platform := .Values.platform -}}
{{- if not (hasKey .Values.runtimes $platform.defaultRuntime) -}}
{{- fail (printf "platform.defaultRuntime %q is not among runtimes: %s" $platform.defaultRuntime (keys .Values.runtimes | sortAlpha | join ", ")) -}}
{{- end -}}
mlflow:
  trackingUri: {{ include "soloist.mlflow.address" . | quote }}
  {{- if .Values.mlflow.auth.enabled }}
  usernameEnv: SOLOIST_MLFLOW_USERNAME
  passwordEnv: SOLOIST_MLFLOW_PASSWORD
  credentialsSecret: {{ .Values.mlflow.auth.credentialsSecret | quote }}
  {{- end }}
runtimes: {{- toYaml .Values.runtimes | nindent 2 }}
defaultRuntime: {{ $platform.defaultRuntime | quote }}
volumes:
  {{- with $platform.volumes.storageClass }}
  storageClass: {{ . | quote }}
  {{- end }}
  accessMode: {{ $platform.volumes.accessMode | quote }}
  size: {{ $platform.volumes.size | quote }}
  modelSize: {{ $platform.volumes.modelSize | quote }}
gatewayImage: {{ $platform.gatewayImage | quote }}
autoscaling:
  metric: {{ include "soloist.autoscaling.metric" . | quote }}
prometheusUrl: {{ $platform.prometheusUrl | quote }}
imagePullPolicy: {{ $platform.imagePullPolicy | quote }}
imagePullSecrets: {{- toYaml $platform.imagePullSecrets | nindent 2 }}
nodeSelector: {{- toYaml $platform.nodeSelector | nindent 2 }}
clusterDomain: {{ $platform.clusterDomain | quote }}
networkPolicies: {{ $platform.networkPolicies }}
operatorNamespace: {{ .Release.Namespace | quote }}
monitoringNamespace: {{ $platform.monitoringNamespace | quote }}
kuberayNamespaceLabels: {{- toYaml $platform.kuberayNamespaceLabels | nindent 2 }}
gitPollSeconds: {{ $platform.gitPollSeconds | int }}
registryPollSeconds: {{ $platform.registryPollSeconds | int }}
{{- end -}}


{{/* What the autoscalers count. A custom metrics API is taken to serve the pods' gauge where `auto` finds one. */}}
{{- define "soloist.autoscaling.metric" -}}
{{- $metric := .Values.platform.autoscaling.metric -}}
{{- $apis := .Capabilities.APIVersions -}}
{{- if ne $metric "auto" -}}
{{- $metric -}}
{{- else if or ($apis.Has "custom.metrics.k8s.io/v1beta1") ($apis.Has "custom.metrics.k8s.io/v1beta2") -}}
inFlight
{{- else -}}
cpu
{{- end -}}
{{- end -}}
