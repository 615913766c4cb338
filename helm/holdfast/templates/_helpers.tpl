{{- /*
Keptn's users set their values under other names in places, and below `lifecycleOperator` and `global` if they installed
Keptn's umbrella chart. This puts what they set where the templates look for it. Each template calls it first; it does its
work once, since all of them share one .Values.
*/ -}}
{{- define "holdfast.values" -}}
{{- if not (hasKey .Values "fromKeptn") -}}
{{- $values := .Values -}}
{{- $keptn := $values.lifecycleOperator | default dict -}}
{{- $global := $values.global | default dict -}}
{{- if and (hasKey $keptn "enabled") (not $keptn.enabled) -}}
{{- fail "lifecycleOperator.enabled is false: this chart is the lifecycle operator's successor and nothing else; leave it out, or do not install the chart" -}}
{{- end -}}
{{- $tag := get ($keptn.image | default dict) "tag" -}}
{{- if hasPrefix "v" ($tag | toString) -}}
{{- fail (printf "lifecycleOperator.image.tag is %s, a version of Keptn's own; leave it out, or set image.tag to Holdfast's" $tag) -}}
{{- end -}}
{{- range $key, $value := omit $keptn "enabled" -}}
{{- if and (kindIs "map" $value) (kindIs "map" (get $values $key)) -}}
{{- $_ := set $values $key (mustMergeOverwrite (deepCopy (get $values $key)) $value) -}}
{{- else -}}
{{- $_ := set $values $key $value -}}
{{- end -}}
{{- end -}}
{{- with $global.imageRegistry }}{{ $_ := set $values.image "registry" . }}{{ end -}}
{{- with $values.image.imagePullPolicy | default $values.imagePullPolicy | default $global.imagePullPolicy }}{{ $_ := set $values.image "pullPolicy" . }}{{ end -}}
{{- if hasSuffix "keptn/lifecycle-operator" $values.image.repository -}}
{{- fail (printf "image.repository is %s, which is Keptn's own operator; leave image.repository and image.tag out, or name where you keep Holdfast's image" $values.image.repository) -}}
{{- end -}}
{{- $secrets := list -}}
{{- range concat ($global.imagePullSecrets | default list) ($values.imagePullSecrets | default list) -}}
{{- $secrets = append $secrets (ternary (dict "name" .) . (kindIs "string" .)) -}}
{{- end -}}
{{- $_ := set $values "imagePullSecrets" (uniq $secrets) -}}
{{- range $name := list "commonLabels" "commonAnnotations" "caInjectionAnnotations" -}}
{{- $_ := set $values $name (merge (dict) (get $values $name | default dict) (get $global $name | default dict)) -}}
{{- end -}}
{{- if not (kindIs "invalid" $values.replicas) -}}
{{- $_ := set $values.worker "replicas" $values.replicas -}}
{{- $_ := set $values.webhook "replicas" $values.replicas -}}
{{- end -}}
{{- range $name, $old := dict "webhookService" "lifecycleWebhookService" "operatorMetricsService" "lifecycleOperatorMetricsService" -}}
{{- with get $values $old }}{{ $_ := set $values $name (mustMergeOverwrite (deepCopy (get $values $name)) .) }}{{ end -}}
{{- end -}}
{{- with $values.resources }}{{ $_ := set $values.worker "resources" . }}{{ end -}}
{{- $manager := $values.certManager | default dict -}}
{{- range list (get $global "certManagerEnabled") (get $manager "enabled") -}}
{{- if and (kindIs "bool" .) (not .) }}{{ $_ := set $values.certificates "source" "external" }}{{ end -}}
{{- end -}}
{{- if (get ($global.openShift | default dict) "enabled") }}{{ $_ := set $values.openShift "enabled" true }}{{ end -}}
{{- if $values.openShift.enabled -}}
{{- $_ := set $values "podSecurityContext" (omit $values.podSecurityContext "runAsUser" "runAsGroup" "fsGroup") -}}
{{- $_ := set $values "containerSecurityContext" (omit $values.containerSecurityContext "runAsUser" "runAsGroup") -}}
{{- end -}}
{{- $unused := list -}}
{{- range list "config" "lifecycleOperatorConfig" "kubernetesClusterDomain" "metricsOperator" "scheduler" "schedulerConfig" "schedulingGatesEnabled" -}}
{{- if hasKey $values . }}{{ $unused = append $unused . }}{{ end -}}
{{- end -}}
{{- range $key, $_ := $values.env -}}
{{- if or (hasSuffix "ControllerLogLevel" $key) (eq $key "otelCollectorUrl") }}{{ $unused = append $unused (printf "env.%s" $key) }}{{ end -}}
{{- end -}}
{{- $_ := set $values "fromKeptn" (dict "unused" $unused) -}}
{{- end -}}
{{- end -}}

{{/* The number of the first port of a Service. Argument: (dict "service" .Values.webhookService "default" 443) */}}
{{- define "holdfast.port" -}}
{{- $first := first (.service.ports | default (list dict)) | default dict -}}
{{- $first.port | default .default -}}
{{- end -}}

{{/* Annotations of every object: what the caller has and those of all, or nothing. Argument: (dict "own" (dict ...) "root" $) */}}
{{- define "holdfast.annotations" -}}
{{- with merge (dict) (.own | default dict) (.root.Values.commonAnnotations | default dict) }}
  annotations:
    {{- tpl (toYaml .) $.root | nindent 4 }}
{{- end -}}
{{- end -}}

{{/* Where the images come from: "" or "registry.example.com/". */}}
{{- define "holdfast.registry" -}}
{{- with .Values.image.registry }}{{ trimSuffix "/" . }}/{{ end -}}
{{- end -}}

{{- define "holdfast.tag" -}}
{{- .Values.image.tag | default .Chart.AppVersion -}}
{{- end -}}

{{- define "holdfast.image" -}}
{{- include "holdfast.registry" . }}{{ .Values.image.repository }}:{{ include "holdfast.tag" . -}}
{{- end -}}

{{- define "holdfast.denoImage" -}}
{{- .Values.env.functionRunnerImage | default (printf "%sholdfast/deno-runtime:%s" (include "holdfast.registry" .) (include "holdfast.tag" .)) -}}
{{- end -}}

{{- define "holdfast.pythonImage" -}}
{{- .Values.env.pythonRunnerImage | default (printf "%sholdfast/python-runtime:%s" (include "holdfast.registry" .) (include "holdfast.tag" .)) -}}
{{- end -}}

{{/* Labels of every object. */}}
{{- define "holdfast.labels" -}}
app.kubernetes.io/name: holdfast
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: holdfast
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version | replace "+" "_" }}
{{- with .Values.commonLabels }}
{{ tpl (toYaml .) $ }}
{{- end }}
{{- end -}}

{{/* By what a Deployment, its Service and its PodDisruptionBudget know their pods. Argument: (dict "part" "worker" "root" $) */}}
{{- define "holdfast.selector" -}}
app.kubernetes.io/name: holdfast
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .part }}
{{- end -}}

{{/* Full name of a service account, as the API server knows it. Argument: (dict "name" "..." "root" $) */}}
{{- define "holdfast.user" -}}
system:serviceaccount:{{ .root.Release.Namespace }}:{{ .name }}
{{- end -}}

{{/* One of the two Deployments. Argument: (dict "part" "worker" "name" "lifecycle-operator" "grace" 30 "env" "..." "root" $) */}}
{{- define "holdfast.deployment" -}}
{{- $root := .root -}}
{{- $settings := index $root.Values .part -}}
{{- $host := $root.Values.hostNetwork -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .name }}
  namespace: {{ $root.Release.Namespace }}
  labels:
    {{- include "holdfast.labels" $root | nindent 4 }}
    app.kubernetes.io/component: {{ .part }}
    {{- if eq .part "worker" }}
    control-plane: lifecycle-operator
    {{- end }}
    {{- if eq $root.Values.certificates.source "external" }}
    # Keptn's certificate operator, where it stays, looks after namespaces that have this on a Deployment.
    keptn.sh/inject-cert: "true"
    {{- end }}
  {{- include "holdfast.annotations" (dict "own" $root.Values.annotations "root" $root) }}
spec:
  replicas: {{ $settings.replicas }}
  selector:
    matchLabels:
      {{- include "holdfast.selector" . | nindent 6 }}
  strategy:
    rollingUpdate:
      {{- if $host }}
      # On the node's own ports, a new one has no room beside the old one.
      maxUnavailable: 1
      maxSurge: 0
      {{- else }}
      # Never fewer than asked for: while the new one is not ready, the old ones answer.
      maxUnavailable: 0
      maxSurge: 1
      {{- end }}
  template:
    metadata:
      labels:
        {{- include "holdfast.labels" $root | nindent 8 }}
        app.kubernetes.io/component: {{ .part }}
        {{- if eq .part "worker" }}
        control-plane: lifecycle-operator
        {{- end }}
        {{- with $root.Values.podLabels }}
        {{- tpl (toYaml .) $root | nindent 8 }}
        {{- end }}
      annotations:
        kubectl.kubernetes.io/default-container: {{ .part }}
        {{- if eq .part "worker" }}
        metrics.dynatrace.com/port: {{ $root.Values.env.keptnDoraMetricsPort | toString | quote }}
        metrics.dynatrace.com/scrape: "true"
        {{- end }}
        {{- with merge (dict) $root.Values.podAnnotations ($root.Values.commonAnnotations | default dict) }}
        {{- tpl (toYaml .) $root | nindent 8 }}
        {{- end }}
    spec:
      serviceAccountName: {{ .name }}
      terminationGracePeriodSeconds: {{ .grace }}
      enableServiceLinks: false
      {{- if $host }}
      hostNetwork: true
      dnsPolicy: ClusterFirstWithHostNet
      {{- end }}
      {{- with $root.Values.imagePullSecrets }}
      imagePullSecrets:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $root.Values.priorityClassName }}
      priorityClassName: {{ . }}
      {{- end }}
      securityContext:
        {{- toYaml $root.Values.podSecurityContext | nindent 8 }}
      containers:
        - name: {{ .part }}
          image: {{ include "holdfast.image" $root | quote }}
          imagePullPolicy: {{ $root.Values.image.pullPolicy }}
          args: [{{ .part }}]
          env:
            - name: POD_NAMESPACE
              valueFrom:
                fieldRef:
                  fieldPath: metadata.namespace
            - name: POD_NAME
              valueFrom:
                fieldRef:
                  fieldPath: metadata.name
            - name: LOG_LEVEL
              value: {{ $root.Values.env.logLevel }}
            - name: CERTIFICATE_SECRET
              value: {{ $root.Values.certificates.secretName }}
            - name: CERTIFICATE_SOURCE
              value: {{ $root.Values.certificates.source }}
            {{- if ne (.health | toString) "8081" }}
            - name: HEALTH_PORT
              value: {{ .health | quote }}
            {{- end }}
            {{- .env | nindent 12 }}
          ports:
            {{- if eq .part "webhook" }}
            - name: webhook
              containerPort: 9443
            {{- else }}
            - name: metrics
              containerPort: {{ $root.Values.env.keptnDoraMetricsPort }}
            {{- end }}
            - name: health
              containerPort: {{ .health }}
          # Every second until it runs, so that an installation is ready as soon as it can be.
          startupProbe:
            httpGet:
              path: /healthz
              port: health
            periodSeconds: 1
            failureThreshold: 60
          livenessProbe:
            httpGet:
              path: /healthz
              port: health
            {{- toYaml (omit $root.Values.livenessProbe "httpGet") | nindent 12 }}
          readinessProbe:
            httpGet:
              path: /readyz
              port: health
            {{- toYaml (omit $root.Values.readinessProbe "httpGet") | nindent 12 }}
          resources:
            {{- toYaml $settings.resources | nindent 12 }}
          securityContext:
            {{- toYaml $root.Values.containerSecurityContext | nindent 12 }}
          volumeMounts:
            - name: tmp
              mountPath: /tmp
      volumes:
        - name: tmp
          emptyDir:
            sizeLimit: 64Mi
      affinity:
        podAntiAffinity:
          preferredDuringSchedulingIgnoredDuringExecution:
            - weight: 100
              podAffinityTerm:
                topologyKey: kubernetes.io/hostname
                labelSelector:
                  matchLabels:
                    {{- include "holdfast.selector" . | nindent 20 }}
      topologySpreadConstraints:
        {{- if $root.Values.topologySpreadConstraints }}
        {{- tpl (toYaml $root.Values.topologySpreadConstraints) $root | nindent 8 }}
        {{- else }}
        - topologyKey: topology.kubernetes.io/zone
          maxSkew: 1
          whenUnsatisfiable: ScheduleAnyway
          labelSelector:
            matchLabels:
              {{- include "holdfast.selector" . | nindent 14 }}
        {{- end }}
      {{- with $root.Values.nodeSelector }}
      nodeSelector:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $root.Values.tolerations }}
      tolerations:
        {{- toYaml . | nindent 8 }}
      {{- end }}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ .name }}
  namespace: {{ $root.Release.Namespace }}
  labels:
    {{- include "holdfast.labels" $root | nindent 4 }}
    app.kubernetes.io/component: {{ .part }}
  {{- include "holdfast.annotations" (dict "root" $root) }}
spec:
  maxUnavailable: 1
  selector:
    matchLabels:
      {{- include "holdfast.selector" . | nindent 6 }}
---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ .name }}
  namespace: {{ $root.Release.Namespace }}
  labels:
    {{- include "holdfast.labels" $root | nindent 4 }}
    app.kubernetes.io/component: {{ .part }}
  {{- include "holdfast.annotations" (dict "root" $root) }}
{{- end -}}
