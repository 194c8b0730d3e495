/*
 * What methods have in common that are added to SWIG's types with the calling
 * convention that packs no tuple and takes any arguments.
 */
%{
#define HANDLE(Type, object) ((Type *)((SwigPyObject *)(object))->ptr)


#define HOT(name, function, flags, doc) \
    {name, (PyCFunction)(void (*)(void))function, METH_FASTCALL | (flags), doc}


static PyObject *wrong_count(const char *method, Py_ssize_t most)
{
    return PyErr_Format(PyExc_TypeError, "%s() takes at most %zd arguments",
                        method, most);
}


/* Another reference. */
static PyObject *another(PyObject *object)
{
    Py_INCREF(object);
    return object;
}


static PyObject *truth(Truth status)
{
    return status < 0 ? raise_status(status) : PyBool_FromLong(status);
}


static PyObject *none(Status status)
{
    if (status < 0)
        return raise_status(status);
    Py_RETURN_NONE;
}


/* An exception is left where one cannot be added. */
static void add_methods(PyTypeObject *type, PyMethodDef *methods)
{
    for (; methods->ml_name; methods++) {
        PyObject *method = PyDescr_NewMethod(type, methods);
        if (method)
            PyDict_SetItemString(type->tp_dict, methods->ml_name, method);
        Py_XDECREF(method);
    }
    PyType_Modified(type);
}
%}
