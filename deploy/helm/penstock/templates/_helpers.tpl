{{- define "penstock.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains (.Values.nameOverride | default .Chart.Name) .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (.Values.nameOverride | default .Chart.Name) | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* What a selector holds: (list root component). It never changes, because a StatefulSet's cannot. */}}
{{- define "penstock.selector" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: {{ $root.Values.nameOverride | default $root.Chart.Name }}
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end -}}

{{- define "penstock.labels" -}}
{{- $root := index . 0 -}}
{{ include "penstock.selector" . }}
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: penstock
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
{{- end -}}

{{- define "penstock.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{ .repository }}@{{ .digest }}
{{- else -}}
{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "penstock.serviceAccount" -}}
{{- .Values.serviceAccount.name | default (ternary (include "penstock.fullname" .) "default" .Values.serviceAccount.create) -}}
{{- end -}}

{{- define "penstock.configMap" -}}
{{- .Values.existingConfigMap | default (include "penstock.fullname" .) -}}
{{- end -}}

{{- define "penstock.secrets" -}}
{{- if .Values.secrets.values -}}{{ include "penstock.fullname" . }}-secrets{{- else -}}{{ .Values.secrets.existing }}{{- end -}}
{{- end -}}

{{- define "penstock.kafkaSecrets" -}}
{{- if .Values.kafkaSecrets.values -}}{{ include "penstock.fullname" . }}-kafka{{- else -}}{{ .Values.kafkaSecrets.existing }}{{- end -}}
{{- end -}}

{{/* The configuration as a mapping; empty where it is in a ConfigMap of somebody else's. */}}
{{- define "penstock.parsed" -}}
{{- if .Values.existingConfigMap -}}
{}
{{- else -}}
{{- $parsed := fromToml .Values.configuration -}}
{{- if hasKey $parsed "Error" -}}{{ fail (printf "configuration: expected TOML: %s" $parsed.Error) }}{{- end -}}
{{- toJson $parsed -}}
{{- end -}}
{{- end -}}

{{- define "penstock.partitions" -}}
{{- $parsed := include "penstock.parsed" . | fromJson -}}
{{- dig "kafka" "partitions" 4 $parsed -}}
{{- end -}}

{{/* What a running ingress does not follow. [[sources]] and secrets in files it does: no restart for those. */}}
{{- define "penstock.ingressChecksum" -}}
{{- $parsed := include "penstock.parsed" . | fromJson -}}
{{- pick $parsed "kafka" "ingress" | toJson | sha256sum -}}
{{- end -}}

{{/* What a worker reads at its start: everything but how sources are verified and who may post. */}}
{{- define "penstock.workerChecksum" -}}
{{- $parsed := include "penstock.parsed" . | fromJson -}}
{{- $sources := list -}}
{{- range $parsed.sources -}}
{{- $sources = append $sources (pick . "name" "provider" "options" "paused") -}}
{{- end -}}
{{- dict "tables" (pick $parsed "kafka" "registry" "routes" "worker") "sources" $sources | toJson | sha256sum -}}
{{- end -}}

{{/* What a loader reads at its start. */}}
{{- define "penstock.loaderChecksum" -}}
{{- $parsed := include "penstock.parsed" . | fromJson -}}
{{- $sources := list -}}
{{- range $parsed.sources -}}
{{- $sources = append $sources (pick . "name" "provider" "options") -}}
{{- end -}}
{{- dict "tables" (pick $parsed "kafka" "registry" "routes" "worker" "warehouse") "sources" $sources | toJson | sha256sum -}}
{{- end -}}

{{/* The processes that run, separated by blanks. */}}
{{- define "penstock.components" -}}
ingress worker{{ if .Values.loader.enabled }} loader{{ end }}
{{- end -}}

{{- define "penstock.spread" -}}
topologySpreadConstraints:
  {{- range $key := list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
  - maxSkew: 1
    topologyKey: {{ $key }}
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "penstock.selector" $ | nindent 8 }}
  {{- end }}
{{- end -}}

{{/* Where pods go: (the component's values). */}}
{{- define "penstock.scheduling" -}}
{{- with .priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "penstock.podTop" -}}
serviceAccountName: {{ include "penstock.serviceAccount" . }}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  {{- toYaml .Values.podSecurityContext | nindent 2 }}
{{- end -}}

{{- define "penstock.brokers" -}}
- name: PENSTOCK_KAFKA_BOOTSTRAP_SERVERS
  value: {{ .Values.kafka.bootstrapServers | quote }}
{{- end -}}

{{/* The folder, never the file alone (subPath): that would stay as it was at the start. */}}
{{- define "penstock.mounts" -}}
- name: configuration
  mountPath: /etc/penstock
  readOnly: true
{{- if include "penstock.kafkaSecrets" . }}
- name: kafka-secrets
  mountPath: /run/penstock/kafka
  readOnly: true
{{- end }}
- name: data
  mountPath: /var/lib/penstock
- name: tmp
  mountPath: /tmp
{{- end -}}

{{- define "penstock.volumes" -}}
- name: configuration
  configMap:
    name: {{ include "penstock.configMap" . }}
{{- with include "penstock.kafkaSecrets" . }}
- name: kafka-secrets
  secret:
    secretName: {{ . }}
    defaultMode: 0440
{{- end }}
- name: tmp
  emptyDir:
    sizeLimit: 64Mi
{{- end -}}

{{/* A claim: (the persistence's values). */}}
{{- define "penstock.claim" -}}
- metadata:
    name: data
    {{- with .annotations }}
    annotations:
      {{- toYaml . | nindent 6 }}
    {{- end }}
  spec:
    accessModes:
      {{- toYaml .accessModes | nindent 6 }}
    {{- with .storageClass }}
    storageClassName: {{ . }}
    {{- end }}
    resources:
      requests:
        storage: {{ .size }}
{{- end -}}

{{/* One egress rule: (peers and ports, protocols). */}}
{{- define "penstock.egress" -}}
{{- $protocols := index . 1 -}}
{{- with index . 0 -}}
- ports:
    {{- range $port := .ports }}
    {{- range $protocols }}
    - port: {{ $port }}
      protocol: {{ . }}
    {{- end }}
    {{- end }}
  {{- with .to }}
  to:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}
{{- end -}}
