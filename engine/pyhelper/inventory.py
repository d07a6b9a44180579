

# Inventories: plugins get Ansible's own inventory, made of what gorun has read
# so far, and gorun takes over what they changed in it.

def inventory_of(state):
    """An inventory as gorun has it, and the variables that it came with."""
    from ansible.inventory.data import InventoryData
    from ansible.inventory.group import Group
    from ansible.inventory.host import Host

    data = InventoryData()
    before = {}
    for entry in state['groups']:
        group = data.groups.get(entry['name'])
        if group is None:
            group = Group('unnamed')
            group.name = entry['name']  # as it is: gorun has judged it
            data.groups[group.name] = group
        group.vars = dict(entry['vars'])
        group.priority = entry['priority']
        before[group] = dict(group.vars)
    for entry in state['hosts']:
        host = Host(entry['name'])
        host.vars = dict(entry['vars'])
        if entry['file']:
            host.vars.setdefault('inventory_file', entry['file'])
            host.vars.setdefault('inventory_dir', os.path.dirname(entry['file']))
        data.hosts[host.name] = host
        before[host] = dict(host.vars)
    for entry in state['groups']:
        group = data.groups[entry['name']]
        for child in entry['children']:
            group.add_child_group(data.groups[child])
        for name in entry['hosts']:
            group.add_host(data.hosts[name])
    return data, before


def changes(data, before):
    """What an inventory has now; of variables those that are new or other ones."""
    def fresh(entity):
        old = before.get(entity, {})
        return dict((k, inventory_value(v)) for k, v in entity.vars.items()
                    if k not in ('inventory_file', 'inventory_dir') and not (k in old and old[k] is v))

    return {
        'groups': [{'name': g.name, 'vars': fresh(g), 'priority': g.priority,
                    'children': [c.name for c in g.child_groups], 'hosts': [h.name for h in g.hosts]} for g in data.groups.values()],
        'hosts': [{'name': h.name, 'vars': fresh(h)} for h in data.hosts.values()],
    }


class Templated(str):
    """A text that may be templated, for encode."""


class Sealed(str):
    """A ciphertext, for encode."""


def inventory_value(v):
    """A variable with marks on the texts that Ansible would template, and on vaults."""
    cipher = ciphertext(v)
    if cipher is not None:
        return Sealed(cipher)
    if isinstance(v, str):
        return Templated(v) if ('{{' in v or '{%' in v or '{#' in v) and is_trusted(v) else v
    if isinstance(v, collections.abc.Mapping):
        return dict((k, inventory_value(e)) for k, e in v.items())
    if isinstance(v, (list, tuple)):
        return [inventory_value(e) for e in v]
    return v


def is_trusted(text):
    try:
        from ansible.template import is_trusted_as_template
    except ImportError:
        return not getattr(text, '__UNSAFE__', False)
    return is_trusted_as_template(text)


def ciphertext(v):
    """The ciphertext of a value that is a vault, else None."""
    kind = type(v).__name__
    if kind == 'AnsibleVaultEncryptedUnicode':
        return v._ciphertext.decode('utf-8') if isinstance(v._ciphertext, bytes) else v._ciphertext
    if kind == 'EncryptedString':
        return v._ciphertext
    return None


def unsealed(text):
    """The opposite of ciphertext."""
    try:
        from ansible.parsing.vault import EncryptedString
        return EncryptedString(ciphertext=text)
    except ImportError:
        from ansible.parsing.yaml.objects import AnsibleVaultEncryptedUnicode
        from ansible.parsing.vault import VaultLib
        value = AnsibleVaultEncryptedUnicode(text.encode('utf-8'))
        value.vault = VaultLib(vault_secrets())
        return value


def vault_secrets():
    from ansible.parsing.vault import VaultSecret
    return [(s[0], VaultSecret(s[1])) for s in SETUP.get('secrets') or []]


def set_secrets(loader):
    secrets = vault_secrets()
    try:
        from ansible.parsing.vault import VaultSecretsContext
        if VaultSecretsContext.current(optional=True) is None:
            VaultSecretsContext.initialize(VaultSecretsContext(secrets))
    except ImportError:
        pass
    if secrets:
        loader.set_vault_secrets(secrets)


def wrapped(data, plugin, source):
    """The inventory as the release of Ansible hands it to a plugin."""
    from ansible.inventory import manager
    wrapper = getattr(manager, '_InventoryDataWrapper', None)
    if wrapper is None:
        return data
    from ansible._internal._datatag._tags import Origin
    return wrapper(data, target_plugin=plugin, origin=Origin(description='<inventory plugin %r with source %r>' % (plugin._load_name, source)))


def op_inventory(a):
    """Runs an inventory plugin on a source; None: there is none, {}: it does not want the source."""
    import ansible.utils.vars
    from ansible.plugins.loader import inventory_loader
    with call_lock:
        SETUP['secrets'] = a['secrets']
        ansible.utils.vars.load_extra_vars.extra_vars = a['extra_vars']
        plugin = inventory_loader.get(a['plugin'])
        if plugin is None:
            return None
        loader = data_loader(a['basedir'])
        source = a['source']
        try:
            wants = bool(plugin.verify_file(source))
        except Exception:
            wants = False
            if a['auto']:
                raise
        if not wants:
            return {}
        if a['auto']:
            plugin.display.v("Using inventory plugin '%s' to process inventory source '%s'" % (plugin._load_name, source))
        state = dict(a['state'])
        data, before = inventory_of(state)
        data.current_source = source
        plugin.parse(wrapped(data, plugin, source), loader, source, cache=a['cache'])
        try:
            plugin.update_cache_if_changed()
        except AttributeError:
            pass  # it keeps no cache, or was told to keep none
        return changes(data, before)


OPS['inventory'] = op_inventory


# Vars plugins.

VARS = {}


def vars_plugins(enabled):
    """The plugins that run, ansible-core's own apart."""
    import ansible
    from ansible.plugins.loader import vars_loader
    if 'list' in VARS:
        return VARS['list']
    shipped = os.path.join(os.path.dirname(ansible.__file__), 'plugins', 'vars') + os.sep
    found = [p for p in vars_loader.all() if not str(getattr(p, '_original_path', '')).startswith(shipped)]
    chosen = []
    for plugin in found:
        if getattr(plugin, 'REQUIRES_ENABLED', getattr(plugin, 'REQUIRES_WHITELIST', False)):
            if os.path.splitext(os.path.basename(plugin._original_path))[0] not in [n.rpartition('.')[2] for n in enabled]:
                continue
        chosen.append(plugin)
    for name in enabled:
        if name.count('.') > 1 and not name.startswith(('ansible.builtin.', 'ansible.legacy.')):
            plugin = vars_loader.get(name)
            if plugin is not None and plugin not in chosen:
                chosen.append(plugin)
    VARS['list'] = chosen
    return chosen


def runs_at(plugin, stage, fallback):
    """Whether a plugin runs at a stage: inventory (when it was read) or task."""
    try:
        wanted = plugin.get_option('stage')
    except Exception:
        wanted = None
    if wanted:
        return wanted in ('all', stage)
    return stage == ('task' if fallback == 'demand' else 'inventory')


def op_vars(a):
    """The variables that plugins give hosts or groups beside a path: of those
    that come before host_group_vars, and of collections' that come behind it."""
    from ansible.inventory.host import Host
    from ansible.utils.vars import combine_vars
    with call_lock:
        SETUP['secrets'] = a['secrets']
        if a['state'] is not None:
            VARS['data'] = inventory_of(a['state'])[0]
        data = VARS['data']
        entities = [data.groups[n] for n in a['groups']] if a['groups'] else [data.hosts.get(a['host']) or Host(a['host'])]
        loader = VARS.setdefault('loader', data_loader(a['basedir']))
        found = {'early': {}, 'late': {}}
        for plugin in vars_plugins(a['enabled']):
            if not runs_at(plugin, a['stage'], a['fallback']):
                continue
            if hasattr(plugin, 'get_vars'):
                new = plugin.get_vars(loader, a['path'], entities)
            else:
                new = {}
                for e in entities:
                    new.update((plugin.get_host_vars if isinstance(e, Host) else plugin.get_group_vars)(e.name))
            when = 'late' if str(getattr(plugin, 'ansible_name', '')).count('.') > 1 and not plugin.ansible_name.startswith('ansible.') else 'early'
            found[when] = combine_vars(found[when], new or {})
        return inventory_value(found)


OPS['vars'] = op_vars
