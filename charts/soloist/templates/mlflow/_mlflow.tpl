{{/* The environment that knows the database: for the migration and for the server. Passwords come by reference, never by argument. */}}
{{- define "soloist.mlflow.databaseEnv" -}}
{{- if .Values.postgresql.enabled -}}
- name: POSTGRES_PASSWORD
  valueFrom: {secretKeyRef: {name: {{ include "soloist.postgres.secret" . }}, key: password}}
# The driver is named: a bare postgresql:// means psycopg 3 to SQLAlchemy 2.1, which the image does not have.
- name: MLFLOW_BACKEND_STORE_URI
  value: postgresql+psycopg2://mlflow:$(POSTGRES_PASSWORD)@{{ include "soloist.postgres.name" . }}:5432/mlflow
{{- else -}}
- name: MLFLOW_BACKEND_STORE_URI
  valueFrom:
    secretKeyRef:
      name: {{ required "mlflow.backendStoreUri.secretName must name the Secret with the database's address when postgresql.enabled is false" .Values.mlflow.backendStoreUri.secretName }}
      key: {{ .Values.mlflow.backendStoreUri.secretKey }}
{{- end }}
- {name: MLFLOW_DISABLE_TELEMETRY, value: "true"}
{{- if .Values.mlflow.auth.enabled }}
- {name: MLFLOW_AUTH_CONFIG_PATH, value: /run/mlflow/basic_auth.ini}
{{- end }}
{{- end -}}

{{/* The Host headers that are answered: a list replaces MLflow's own, and a pattern is matched with its port. */}}
{{- define "soloist.mlflow.allowedHosts" -}}
{{- $name := include "soloist.mlflow.name" . -}}
{{- $namespace := .Release.Namespace -}}
{{- $names := list $name (printf "%s.%s" $name $namespace) (printf "%s.%s.svc" $name $namespace) (printf "%s.%s.svc.%s" $name $namespace .Values.platform.clusterDomain) -}}
{{- $hosts := list -}}
{{- range $names }}{{ $hosts = append $hosts (printf "%s:5000" .) }}{{ end -}}
{{- /* localhost with any port for kubectl port-forward, the pod's own address for Prometheus. */ -}}
{{- $hosts = concat $hosts (list "localhost:*" "127.0.0.1:*" "$(POD_IP):5000") .Values.mlflow.allowedHosts -}}
{{- join "," $hosts -}}
{{- end -}}

{{- define "soloist.mlflow.onVolume" -}}
{{- if not .Values.mlflow.artifacts.destination }}true{{ end -}}
{{- end -}}
