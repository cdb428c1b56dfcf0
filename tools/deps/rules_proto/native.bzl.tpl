"""A name of the built-in that does not hide it."""

NativeProtoInfo = ProtoInfo
