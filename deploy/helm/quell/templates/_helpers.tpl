{{- define "quell.name" -}}
{{- if contains "quell" .Release.Name }}{{ .Release.Name | trunc 52 | trimSuffix "-" }}{{ else }}{{ .Release.Name | trunc 46 | trimSuffix "-" }}-quell{{ end }}
{{- end }}

{{- define "quell.selector" -}}
app.kubernetes.io/name: quell
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "quell.labels" -}}
{{ include "quell.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{/* What cannot work is refused before anything is installed. */}}
{{- define "quell.check" -}}
{{- if not .Values.image.repository }}
{{- fail "image.repository is missing: build deploy/Dockerfile, push it to a registry of yours, and say where" }}
{{- end }}
{{- if not .Values.existingSecret }}
{{- fail "existingSecret is missing: the name of a Secret with QUELL_INGEST_TOKENS and QUELL_API_TOKEN, as docs/kubernetes.md shows" }}
{{- end }}
{{- if and (not .Values.redis) (ne (int .Values.replicas) 1) }}
{{- fail "replicas other than 1 need redis: true, and QUELL_REDIS_URL in the Secret: a volume has one writer" }}
{{- end }}
{{- if and .Values.existingRules .Values.rules }}
{{- fail "rules and existingRules exclude each other" }}
{{- end }}
{{- if eq .Values.existingRules (printf "%s-rules" (include "quell.name" .)) }}
{{- fail (printf "existingRules: %s is what the chart calls its own ConfigMap, and Helm would delete it: call yours otherwise" .Values.existingRules) }}
{{- end }}
{{- end }}
