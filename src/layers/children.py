"""Lists and replaces the direct submodules of a module."""

from flax import nnx


def children(module: nnx.Module) -> list[tuple[str, nnx.Module]]:
    """Attribute names and submodules, in the order in which they were created."""
    inside = enumerate(module) if isinstance(module, nnx.List) else vars(module).items()
    return [(str(key), child) for key, child in inside if isinstance(child, nnx.Module)]


def replace(parent: nnx.Module, key: str, child: nnx.Module) -> None:
    """Replaces the submodule with that key."""
    if isinstance(parent, nnx.List):
        parent[int(key)] = child
    else:
        setattr(parent, key, child)
