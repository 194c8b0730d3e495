/* Address spaces made visible, and what the machine offers. */
%{
enum { SHARERS_MOST = 1024 };

/* In the order of neap._maps.MapInfo. */
static PyObject *map_info(const neap_map_info *i)
{
    char protection[] = {i->protection & NEAP_PROT_READ ? 'r' : '-',
                         i->protection & NEAP_PROT_WRITE ? 'w' : '-',
                         i->protection & NEAP_PROT_EXEC ? 'x' : '-', '\0'};
    return Py_BuildValue("(KKKKKsNNsKKKKN)", (unsigned long long)i->address,
        (unsigned long long)i->size, (unsigned long long)i->offset,
        (unsigned long long)i->device, (unsigned long long)i->inode,
        protection, PyBool_FromLong(i->shared), PyBool_FromLong(i->deleted),
        neap_map_kind_name(i->kind), (unsigned long long)i->resident,
        (unsigned long long)i->others, (unsigned long long)i->dirty,
        (unsigned long long)i->swapped, PyUnicode_DecodeFSDefault(i->name));
}


static PyObject *list_maps(int32_t pid)
{
    neap_map_list *list;
    neap_map_info info;
    int status = neap_map_list_open(pid, &list);
    if (status < 0)
        return raise_status(status);
    PyObject *all = PyList_New(0);
    while (all && neap_map_list_next(list, &info) == NEAP_MORE) {
        PyObject *one = map_info(&info);
        if (!one || PyList_Append(all, one) < 0)
            Py_CLEAR(all);
        Py_XDECREF(one);
    }
    neap_map_list_close(list);
    return all;
}


static PyObject *sharers_of(int32_t pid, uint64_t address)
{
    int32_t pids[SHARERS_MOST];
    int count = neap_page_sharers(pid, address, pids, SHARERS_MOST);
    if (count < 0)
        return raise_status(count);
    count = count < SHARERS_MOST ? count : SHARERS_MOST;
    PyObject *all = PyTuple_New(count);
    for (int i = 0; all && i < count; i++)
        PyTuple_SET_ITEM(all, i, PyLong_FromLong(pids[i]));
    return all;
}


/* The number, or None. */
static PyObject *known(bool is_known, uint64_t number)
{
    if (!is_known)
        Py_RETURN_NONE;
    return PyLong_FromUnsignedLongLong(number);
}


/* In the order of neap._maps.PageInfo. */
static PyObject *translate_address(int32_t pid, uint64_t address)
{
    neap_page_info i;
    int status = neap_translate(pid, address, &i);
    PyObject *sharers = status < 0 ? raise_status(status)
                                   : sharers_of(pid, address);
    if (!sharers)
        return NULL;
    return Py_BuildValue("(KKKNNNNNNN)", (unsigned long long)i.page,
        (unsigned long long)i.offset, (unsigned long long)i.page_size,
        PyBool_FromLong(i.present), PyBool_FromLong(i.swapped),
        known(i.frame_known, i.frame), known(i.mapped_known, i.mapped), sharers,
        known(i.node >= 0, (uint64_t)i.node), map_info(&i.map));
}


static PyObject *list_features(void)
{
    const neap_feature *feature;
    PyObject *all = PyList_New(0);
    for (uint32_t n = 0; all && (feature = neap_feature_at(n)); n++) {
        PyObject *one = Py_BuildValue("(sNss)", feature->name,
            PyBool_FromLong(neap_feature_present(feature->name) == 1),
            feature->use, feature->without);
        if (!one || PyList_Append(all, one) < 0)
            Py_CLEAR(all);
        Py_XDECREF(one);
    }
    return all;
}


static PyObject *list_nodes(void)
{
    neap_node node;
    PyObject *all = PyList_New(0);
    for (uint32_t n = 0; all && neap_node_at(n, &node) == NEAP_MORE; n++) {
        PyObject *one = Py_BuildValue("(iKK)", node.node,
            (unsigned long long)node.total, (unsigned long long)node.free);
        if (!one || PyList_Append(all, one) < 0)
            Py_CLEAR(all);
        Py_XDECREF(one);
    }
    return all;
}


static PyObject *list_huge_pools(void)
{
    neap_huge_pool p;
    PyObject *all = PyList_New(0);
    for (uint32_t n = 0; all && neap_huge_pool_at(n, &p) == NEAP_MORE; n++) {
        PyObject *one = Py_BuildValue("(KKK)", (unsigned long long)p.page,
            (unsigned long long)p.total, (unsigned long long)p.free);
        if (!one || PyList_Append(all, one) < 0)
            Py_CLEAR(all);
        Py_XDECREF(one);
    }
    return all;
}
%}

%rename(_maps_of) list_maps;
PyObject *list_maps(int pid);
%rename(_translate) translate_address;
PyObject *translate_address(int pid, uint64_t address);
%rename(_features) list_features;
PyObject *list_features(void);
%rename(_huge_pools) list_huge_pools;
PyObject *list_huge_pools(void);
%rename(_nodes) list_nodes;
PyObject *list_nodes(void);
