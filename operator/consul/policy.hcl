# What the operator's token needs in Consul, and nothing more. As it stands the mesh follows Consul and takes no
# registrations: consul acl policy create -name kongsul -rules @policy.hcl

# Services, their checks and instances, configuration entries and intentions.
service_prefix "" { policy = "read" }
node_prefix "" { policy = "read" }
# The agent's own data centre.
agent_prefix "" { policy = "read" }
# Settings, and what operators keep: who leads, what is held, paused, ejected, refused.
key_prefix "mesh/" { policy = "write" }
# The operators themselves, and the session of the one that leads. Name the agent's node to narrow it.
service "kongsul-operator" { policy = "write" }
session_prefix "" { policy = "write" }

# For POST /register, and for splits and canaries (service-splitter):
# service_prefix "" { policy = "write" }

# For keys of key-auth (secrets.keyFile):
# key_prefix "mesh-secrets/identities/" { policy = "write" }
# For tls.clientCertificate: connect, the service of connect.service:
# service "kong" { policy = "write" }
