{{/* Names, labels and addresses: spelled here and nowhere else. */}}

{{- define "soloist.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{/* Cut at 40: the longest name made from it ("-postgres-0" plus a StatefulSet's revision hash) must still be a label's value. */}}
{{- define "soloist.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains (include "soloist.name" .) .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "soloist.name" .) | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "soloist.operator.name" -}}{{ include "soloist.fullname" . }}-operator{{- end -}}
{{- define "soloist.mlflow.name" -}}{{ include "soloist.fullname" . }}-mlflow{{- end -}}
{{- define "soloist.postgres.name" -}}{{ include "soloist.fullname" . }}-postgres{{- end -}}

{{/* What a selector may hold: it can never change in an upgrade. */}}
{{- define "soloist.selectorLabels" -}}
app.kubernetes.io/name: {{ include "soloist.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "soloist.labels" -}}
{{ include "soloist.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/part-of: soloist
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{/* The address that every namespace uses. `.svc` and not the whole domain: a resolver's search list completes it in any cluster. */}}
{{- define "soloist.mlflow.address" -}}
{{- if .Values.mlflow.enabled -}}
http://{{ include "soloist.mlflow.name" . }}.{{ .Release.Namespace }}.svc:5000
{{- else -}}
{{- required "mlflow.trackingUri must name the existing MLflow when mlflow.enabled is false" .Values.mlflow.trackingUri -}}
{{- end -}}
{{- end -}}

{{- define "soloist.mlflow.authSecret" -}}
{{- .Values.mlflow.auth.existingSecret | default (printf "%s-auth" (include "soloist.mlflow.name" .)) -}}
{{- end -}}

{{- define "soloist.postgres.secret" -}}
{{- .Values.postgresql.existingSecret | default (include "soloist.postgres.name" .) -}}
{{- end -}}
