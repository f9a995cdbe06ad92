{{- define "gradclinic.name" -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- define "gradclinic.labels" -}}
app.kubernetes.io/name: gradclinic
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{- define "gradclinic.podSecurity" -}}
automountServiceAccountToken: false
{{- with .Values.images.pullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  fsGroup: 10001
  seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{- define "gradclinic.containerSecurity" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
{{- end -}}

{{- define "gradclinic.env" -}}
- name: GRADCLINIC_DATABASE_URL
  valueFrom: {secretKeyRef: {name: {{ .Values.database.existingSecret }}, key: {{ .Values.database.urlKey }}}}
- name: GRADCLINIC_BROKER_URL
  value: {{ .Values.queue.url | quote }}
- name: GRADCLINIC_BROKER_PASSWORD_FILE
  value: /run/secrets/queue/{{ .Values.queue.passwordKey }}
- name: GRADCLINIC_DATA_DIR
  value: /var/lib/gradclinic
- name: GRADCLINIC_CHECKPOINT_DIR
  value: /var/lib/gradclinic/checkpoints
- name: GRADCLINIC_LOG_FORMAT
  value: json
{{- range $name, $value := .Values.settings }}
- name: {{ $name }}
  value: {{ $value | toString | quote }}
{{- end }}
{{- end -}}

{{- define "gradclinic.mounts" -}}
- {name: tmp, mountPath: /tmp}
- {name: queue-password, mountPath: /run/secrets/queue, readOnly: true}
{{- end -}}

{{- define "gradclinic.volumes" -}}
- {name: tmp, emptyDir: {}}
- {name: queue-password, secret: {secretName: {{ .Values.queue.existingSecret }}, defaultMode: 0440}}
{{- end -}}

{{- define "gradclinic.checkpoints" -}}
{{- if .Values.checkpoints.existingClaim -}}
- {name: checkpoints, persistentVolumeClaim: {claimName: {{ .Values.checkpoints.existingClaim }}}}
{{- else -}}
- {name: checkpoints, emptyDir: {sizeLimit: {{ .Values.checkpoints.size }}}}
{{- end -}}
{{- end -}}
