"""Others that do the same: RocketMQ's Java broker, and etcd's leases."""


def java(context):
    """RocketMQ's own broker, over its own protocol (--java)"""
    context.results.absent("heartbeats per server-CPU-second / Java's, full", None, "not asked for: --java")


def etcd(context):
    """etcd's LeaseKeepAlive, a gRPC stream too (--etcd)"""
    context.results.absent("heartbeats per server-CPU-second / etcd's keep-alives", None, "not asked for: --etcd")
