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
{{ toYaml . }}
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
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .name }}
  namespace: {{ $root.Release.Namespace }}
  labels:
    {{- include "holdfast.labels" $root | nindent 4 }}
    app.kubernetes.io/component: {{ .part }}
spec:
  replicas: {{ $settings.replicas }}
  selector:
    matchLabels:
      {{- include "holdfast.selector" . | nindent 6 }}
  strategy:
    rollingUpdate:
      # Never fewer than asked for: while the new one is not ready, the old ones answer.
      maxUnavailable: 0
      maxSurge: 1
  template:
    metadata:
      labels:
        {{- include "holdfast.labels" $root | nindent 8 }}
        app.kubernetes.io/component: {{ .part }}
        {{- if eq .part "worker" }}
        control-plane: lifecycle-operator
        {{- end }}
        {{- with $root.Values.podLabels }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      annotations:
        kubectl.kubernetes.io/default-container: {{ .part }}
        {{- with $root.Values.podAnnotations }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
    spec:
      serviceAccountName: {{ .name }}
      terminationGracePeriodSeconds: {{ .grace }}
      enableServiceLinks: false
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
            {{- .env | nindent 12 }}
          ports:
            {{- if eq .part "webhook" }}
            - name: webhook
              containerPort: 9443
            {{- end }}
            - name: health
              containerPort: 8081
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
            periodSeconds: 10
            timeoutSeconds: 3
            failureThreshold: 3
          readinessProbe:
            httpGet:
              path: /readyz
              port: health
            periodSeconds: 2
            timeoutSeconds: 2
            failureThreshold: 2
          resources:
            {{- toYaml $settings.resources | nindent 12 }}
          securityContext:
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            capabilities:
              drop: [ALL]
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
        - topologyKey: topology.kubernetes.io/zone
          maxSkew: 1
          whenUnsatisfiable: ScheduleAnyway
          labelSelector:
            matchLabels:
              {{- include "holdfast.selector" . | nindent 14 }}
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
{{- end -}}
