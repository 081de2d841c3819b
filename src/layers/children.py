"""The modules directly inside a module, by the names of their attributes, and how one of them is replaced."""

from flax import nnx


def children(module: nnx.Module) -> list[tuple[str, nnx.Module]]:
    """Keys and modules, in the order in which they were made."""
    inside = enumerate(module) if isinstance(module, nnx.List) else vars(module).items()
    return [(str(key), child) for key, child in inside if isinstance(child, nnx.Module)]


def replace(parent: nnx.Module, key: str, child: nnx.Module) -> None:
    """Puts another module in place of the one with that key."""
    if isinstance(parent, nnx.List):
        parent[int(key)] = child
    else:
        setattr(parent, key, child)
