/*
 * The module as a whole: its exceptions, and its types made presentable.
 *
 * SWIG gives every type the attributes `this` and `thisown`, and its base
 * class methods such as disown(), with which a script could free what is in
 * use; docstrings of several lines begin with an empty one, which hides the
 * signature that inspect and help() would show.
 */
%{
static void trim_docs(PyMethodDef *methods)
{
    for (; methods->ml_name; methods++)
        while (methods->ml_doc && *methods->ml_doc == '\n')
            methods->ml_doc++;
}


static void present_type(PyTypeObject *type, const char *name,
                         PyMethodDef *methods)
{
    trim_docs(methods);
    type->tp_name = name;
    PyDict_DelItemString(type->tp_dict, "this");
    PyDict_DelItemString(type->tp_dict, "thisown");
    PyErr_Clear();
    PyType_Modified(type);
}


static const char *core_version(void)
{
    return neap_version();
}
%}

%feature("docstring") core_version "The version of the core in use.";
const char *core_version(void);

%define NEAP_PRESENT(Type)
%init %{
  present_type(SwigPyBuiltin__##Type##_clientdata.pytype, "neap." #Type,
               SwigPyBuiltin__##Type##_methods);
%}
%enddef

/* An exception that is set here makes the import fail. */
%init %{
  make_classes(m);
  trim_docs(SwigMethods);
  PyDict_Clear(swigpyobject->tp_dict);
  PyType_Modified(swigpyobject);
%}

NEAP_PRESENT(Segment)
NEAP_PRESENT(Array)
NEAP_PRESENT(Mapping)
NEAP_PRESENT(Overlay)
NEAP_PRESENT(Counter)
NEAP_PRESENT(Mutex)
NEAP_PRESENT(Semaphore)
NEAP_PRESENT(Event)
NEAP_PRESENT(Latch)
NEAP_PRESENT(Condition)
NEAP_PRESENT(RWLock)
NEAP_PRESENT(Guard)
NEAP_PRESENT(Barrier)
NEAP_PRESENT(Once)
NEAP_PRESENT(Watch)
NEAP_PRESENT(KernelSemaphore)
NEAP_PRESENT(Heap)
NEAP_PRESENT(Process)
NEAP_PRESENT(Range)
NEAP_PRESENT(Team)
