"""What a run over a source consists of: a task for each list of each account, and what is refused, with the reason."""

from schemas.reconciliation import Asked, Begun, Task
from streams.reconcile.index import Index
from streams.reconcile.listers import Listers, chosen, tenants_of

MOST_REFUSED = 100


def planned(asked: Asked, listers: Listers, index: Index) -> tuple[list[Task], Begun]:
    """Return the tasks of a run, in rotation of the accounts, and what is told of it."""
    tasks, refused = _tasks(asked, listers, index)
    lists = tuple((task.account, task.listing) for task in tasks)
    return tasks, Begun(asked.run, asked.kind, asked.source, lists, tuple(refused[:MOST_REFUSED]))


def _tasks(asked: Asked, listers: Listers, index: Index) -> tuple[list[Task], list[str]]:
    source = listers.source(asked.source)
    if source is None:
        return [], [f"expected a source of the workers' configuration, got {asked.source}"]
    if not source.reads:
        return [], [f"{source.name}: expected an api_token, and hydrate other than never, to list and read with"]
    if source.reconcile == "never" and not asked.resources:
        return [], [f"{source.name}: reconcile is never; name resources, or change it"]
    tenants = tenants_of(source, index.tenants(source.provider, source.name))
    if not tenants:
        return [], [f"{source.name}: expected tenants in the configuration, for nothing is stored that names them"]
    stored = index.types(source.provider, source.name)
    tasks, refused = list[Task](), list[str]()
    for tenant in tenants:
        lister = listers.of(source.provider, source.name, tenant)
        if lister is None:
            refused.append(f"{source.name} {tenant}: expected a token, and a provider with lists; found none")
            continue
        names = [one.name for one in lister.listings if chosen(one, asked, source, tenant, stored)]
        tasks += [Task(asked, source.provider, tenant, name) for name in names]
        if not names:
            refused.append(f"{source.name} {tenant}: {_nothing(asked)}")
    return tasks, refused


def _nothing(asked: Asked) -> str:
    if asked.resources:
        return f"no list shows {', '.join(asked.resources)}, or it is paused"
    return "nothing is stored that a list shows; `penstock backfill` brings it"
