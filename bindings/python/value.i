/*
 * Values between Python and C: integers, names, and single elements.
 *
 * Whatever has __index__ is an integer (so numpy's are), whatever has
 * __float__ a real number; anything else is a TypeError that names the
 * argument.
 */
%{
static bool wrong_type(PyObject *object, const char *what, const char *wanted)
{
    PyErr_Format(PyExc_TypeError, "%s must be %s, not %.80s", what, wanted,
                 Py_TYPE(object)->tp_name);
    return false;
}


/* A new reference to an int, or NULL with an exception. */
static PyObject *as_integer(PyObject *object, const char *what)
{
    if (!PyIndex_Check(object)) {
        wrong_type(object, what, "an int");
        return NULL;
    }
    return PyNumber_Index(object);
}


static bool as_int64(PyObject *object, const char *what, int64_t *ret_value)
{
    PyObject *integer = as_integer(object, what);
    if (!integer)
        return false;
    int overflow = 0;
    long long value = PyLong_AsLongLongAndOverflow(integer, &overflow);
    Py_DECREF(integer);
    if (overflow) {
        PyErr_Format(PyExc_OverflowError, "%s does not fit 64 bits", what);
        return false;
    }
    *ret_value = value;
    return true;
}


static bool as_uint64(PyObject *object, const char *what, uint64_t *ret_value)
{
    PyObject *integer = as_integer(object, what);
    if (!integer)
        return false;
    int overflow = 0;
    long long value = PyLong_AsLongLongAndOverflow(integer, &overflow);
    bool negative = overflow < 0 || (!overflow && value < 0);
    *ret_value = negative ? 0 : PyLong_AsUnsignedLongLong(integer);
    Py_DECREF(integer);
    if (negative)
        PyErr_Format(PyExc_ValueError, "%s must not be negative", what);
    else if (overflow && PyErr_Occurred())
        PyErr_Format(PyExc_OverflowError, "%s does not fit 64 bits", what);
    else
        return true;
    return false;
}


static bool as_bounded(PyObject *object, const char *what, int64_t least,
                       int64_t most, int64_t *ret_value)
{
    int64_t value;
    if (!as_int64(object, what, &value))
        return false;
    if (value < least || value > most) {
        PyErr_Format(PyExc_ValueError, "%s must be from %lld to %lld, not %lld",
                     what, (long long)least, (long long)most,
                     (long long)value);
        return false;
    }
    *ret_value = value;
    return true;
}


static bool as_double(PyObject *object, const char *what, double *ret_value)
{
    double value = PyFloat_AsDouble(object);
    if (value == -1.0 && PyErr_Occurred()) {
        if (PyErr_ExceptionMatches(PyExc_TypeError))
            wrong_type(object, what, "a number");
        return false;
    }
    *ret_value = value;
    return true;
}


/* UTF-8 that belongs to `object`. */
static const char *as_text(PyObject *object, const char *what)
{
    if (!PyUnicode_Check(object)) {
        wrong_type(object, what, "a str");
        return NULL;
    }
    Py_ssize_t length;
    const char *text = PyUnicode_AsUTF8AndSize(object, &length);
    if (text && strlen(text) != (size_t)length) {
        PyErr_Format(PyExc_ValueError, "%s must not contain a NUL", what);
        return NULL;
    }
    return text;
}


/* -- one element ---------------------------------------------------------- */

static bool as_integer_value(PyObject *object, neap_value *ret_value)
{
    PyObject *integer = PyNumber_Index(object);
    if (!integer)
        return false;
    int overflow = 0;
    long long value = PyLong_AsLongLongAndOverflow(integer, &overflow);
    if (overflow > 0) {
        ret_value->kind = 'u';
        ret_value->as.u = PyLong_AsUnsignedLongLong(integer);
    } else {
        ret_value->kind = 'i';
        ret_value->as.i = value;
    }
    Py_DECREF(integer);
    if (overflow < 0 || (overflow > 0 && PyErr_Occurred())) {
        PyErr_SetString(PyExc_OverflowError, "the value does not fit 64 bits");
        return false;
    }
    return true;
}


/* What has __complex__ may be real all the same: a Fraction, numpy.float32. */
static bool as_complex_value(PyObject *object, neap_value *ret_value)
{
    Py_complex c = PyComplex_AsCComplex(object);
    if (PyErr_Occurred())
        return false;
    if (c.imag == 0.0 && !PyComplex_Check(object)) {
        ret_value->kind = 'f';
        ret_value->as.f = c.real;
        return true;
    }
    ret_value->kind = 'c';
    ret_value->as.c.re = c.real;
    ret_value->as.c.im = c.imag;
    return true;
}


/* numpy.bool_ has neither __index__ nor a __float__ that would do. */
static bool is_numpy_bool(PyObject *object)
{
    const char *name = Py_TYPE(object)->tp_name;
    return strcmp(name, "numpy.bool_") == 0 || strcmp(name, "numpy.bool") == 0;
}


static bool as_value(PyObject *object, neap_value *ret_value)
{
    if (is_numpy_bool(object)) {
        ret_value->kind = 'i';
        ret_value->as.i = PyObject_IsTrue(object);
        return true;
    }
    if (PyIndex_Check(object))
        return as_integer_value(object, ret_value);
    if (PyComplex_Check(object)
        || (!PyFloat_Check(object)
            && PyObject_HasAttrString(object, "__complex__")))
        return as_complex_value(object, ret_value);
    ret_value->kind = 'f';
    return as_double(object, "the value", &ret_value->as.f);
}


static PyObject *from_value(neap_value value, neap_type type)
{
    switch (value.kind) {
    case 'u': return PyLong_FromUnsignedLongLong(value.as.u);
    case 'f': return PyFloat_FromDouble(value.as.f);
    case 'c': return PyComplex_FromDoubles(value.as.c.re, value.as.c.im);
    default:
        return type == NEAP_TYPE_BOOL ? PyBool_FromLong((long)value.as.i)
                                      : PyLong_FromLongLong(value.as.i);
    }
}


/* -- shapes --------------------------------------------------------------- */

typedef struct Shape {
    uint32_t dimensions;
    uint64_t length[NEAP_DIMENSIONS_MAX];
} Shape;


/* A tuple of lengths; the empty one means any shape. */
static bool as_shape(PyObject *tuple, Shape *ret_shape)
{
    if (!PyTuple_Check(tuple))
        return wrong_type(tuple, "shape", "a tuple of ints");
    Py_ssize_t n = PyTuple_GET_SIZE(tuple);
    if (n > NEAP_DIMENSIONS_MAX) {
        PyErr_Format(PyExc_ValueError, "a shape has at most %d dimensions, "
                     "not %zd", NEAP_DIMENSIONS_MAX, n);
        return false;
    }
    ret_shape->dimensions = (uint32_t)n;
    for (Py_ssize_t i = 0; i < n; i++)
        if (!as_uint64(PyTuple_GET_ITEM(tuple, i), "a length of the shape",
                       &ret_shape->length[i]))
            return false;
    return true;
}


static PyObject *shape_tuple(uint32_t dimensions, const uint64_t *shape)
{
    PyObject *tuple = PyTuple_New(dimensions);
    for (uint32_t i = 0; tuple && i < dimensions; i++) {
        PyObject *length = PyLong_FromUnsignedLongLong(shape[i]);
        if (!length)
            Py_CLEAR(tuple);
        else
            PyTuple_SET_ITEM(tuple, i, length);
    }
    return tuple;
}
%}

%typemap(in, noblock=1) int64_t {
  if (!as_int64($input, "$1_name", &$1))
    SWIG_fail;
}

%typemap(in, noblock=1) uint64_t {
  if (!as_uint64($input, "$1_name", &$1))
    SWIG_fail;
}

%typemap(in, noblock=1) uint32_t (int64_t bounded) {
  if (!as_bounded($input, "$1_name", 0, UINT32_MAX, &bounded))
    SWIG_fail;
  $1 = (uint32_t)bounded;
}

%typemap(in, noblock=1) int (int64_t bounded) {
  if (!as_bounded($input, "$1_name", INT32_MIN, INT32_MAX, &bounded))
    SWIG_fail;
  $1 = (int)bounded;
}

/* neap_type and the kinds travel as small ints that neap/ chose. */
%apply int { neap_type, neap_counter_kind, neap_semaphore_kind,
              neap_mutex_kind };

%typemap(in, noblock=1) bool (int truth) {
  truth = PyObject_IsTrue($input);
  if (truth < 0)
    SWIG_fail;
  $1 = truth != 0;
}

%typemap(out, noblock=1) bool {
  $result = PyBool_FromLong($1);
}

%typemap(in, noblock=1) const char *name {
  $1 = (char *)as_text($input, "a name");
  if (!$1)
    SWIG_fail;
}

/* An address may hold the path of a file, in the file system's encoding. */
%typemap(in, noblock=1) const char *address (PyObject *path = NULL) {
  if (!PyUnicode_Check($input) && !PyBytes_Check($input)) {
    wrong_type($input, "an address", "a str such as \"sky\" or \"file:sky\"");
    SWIG_fail;
  }
  if (!PyUnicode_FSConverter($input, &path))
    SWIG_fail;
  $1 = PyBytes_AS_STRING(path);
}
%typemap(freearg, noblock=1) const char *address {
  Py_XDECREF(path$argnum);
}

%typemap(in, noblock=1) Shape {
  if (!as_shape($input, &$1))
    SWIG_fail;
}

/* An exception is set where the pointer is NULL. */
%typemap(out, noblock=1) const char * {
  $result = PyUnicode_DecodeFSDefault($1);
}

%{
static PyObject *type_size(neap_type type)
{
    return PyLong_FromSize_t(neap_type_size(type));
}
%}

%feature("docstring") type_size "Bytes of one element.";
PyObject *type_size(neap_type type);
