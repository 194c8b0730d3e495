local lu = require "luaunit"
local neap = require "neap"
local support = require "support"
local test, raises, fails = support.test, support.raises, support.fails

local integers = {"i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64"}
local reals = {"f32", "f64"}

local function each(kinds, run)
  local heap = neap.heap()
  for _, kind in ipairs(kinds) do
    run(heap:array(kind, kind, 6):copy {1, 2, 3, 4, 5, 6}, kind, heap)
  end
end

test("integers are summed, compared and averaged", function()
  each(integers, function(a)
    lu.assertEquals(a:sum(), 21)
    lu.assertEquals(math.type(a:sum()), "integer")
    lu.assertEquals(a:min(), 1)
    lu.assertEquals(a:max(), 6)
    lu.assertEquals(a:mean(), 3.5)
  end)
end)

test("reals are summed, compared and averaged", function()
  each(reals, function(a)
    a[1] = -0.5
    lu.assertEquals(a:sum(), 19.5)
    lu.assertEquals(a:min(), -0.5)
    lu.assertEquals(a:max(), 6.0)
    lu.assertEquals(a:mean(), 3.25)
    a[2] = 0 / 0
    lu.assertEquals(a:min(), -0.5)
    lu.assertEquals(a:max(), 6.0)
  end)
end)

test("fill, add and scale give the array, so that calls chain", function()
  each({"i32", "u8", "f32", "f64"}, function(a)
    lu.assertTrue(rawequal(a:fill(2), a))
    lu.assertTrue(rawequal(a:add(3):scale(4), a))
    lu.assertEquals(a:sum(), 6 * 20)
  end)
end)

test("arrays are added and multiplied", function()
  each({"i64", "f64"}, function(a, kind, heap)
    local b = heap:array("b" .. kind, kind, 6):fill(2)
    lu.assertEquals(a:dot(b), 42)
    a:add(b)
    lu.assertEquals(a:sum(), 33)
  end)
end)

test("copy converts, and refuses what does not fit", function()
  local heap = neap.heap()
  local real = heap:array("real", "f64", 3):copy {1.9, -2.9, 300}
  local wide = heap:array("wide", "i32", 3):copy(real)
  lu.assertEquals(wide:totable(), {1, -2, 300})
  local narrow = heap:array("narrow", "i8", 3)
  raises("i8", narrow.copy, narrow, real)
end)

test("copy takes tables as deep as the array", function()
  local heap = neap.heap()
  local cube = heap:array("cube", "u8", 2, 2, 2)
  local deep = {{{1, 2}, {3, 4}}, {{5, 6}, {7, 8}}}
  lu.assertEquals(cube:copy(deep):totable(), deep)
  raises("table expected in dimension 2, got number",
         function() cube:copy {1, 2} end)
  raises("dimension 1 has 2 elements, the table 3",
         function() cube:copy {{}, {}, {}} end)
end)

test("a table with one wrong element copies nothing", function()
  local a = neap.heap():array("list", "i8", 3)
  raises("out of the range", function() a:copy {1, 2, 300} end)
  raises("integer expected", function() a:copy {1, "2", 3} end)
  lu.assertEquals(a:totable(), {0, 0, 0})
end)

test("arrays of other sizes and types are refused", function()
  local heap = neap.heap()
  local a = heap:array("a", "i32", 3)
  local longer = heap:array("longer", "i32", 4)
  local other = heap:array("other", "f64", 3)
  raises("3", a.copy, a, longer)
  raises("3", a.add, a, longer)
  raises("3", a.dot, a, longer)
  lu.assertFalse(pcall(function() assert(a:add(other)) end))
  lu.assertFalse(pcall(function() assert(a:dot(other)) end))
  raises("integer expected, got table", a.add, a, {})
  raises("neap.array expected, got number", a.dot, a, 5)
end)

test("apply gives the element and its indices", function()
  local grid = neap.heap():array("grid", "i32", 2, 3)
  lu.assertTrue(rawequal(grid:apply(function(v, i, j)
    return v + 10 * i + j
  end), grid))
  lu.assertEquals(grid:totable(), {{11, 12, 13}, {21, 22, 23}})
end)

test("apply on complex elements gives and takes both parts", function()
  local z = neap.heap():array("z", "c128", 2):fill(1, 2)
  z:apply(function(re, im, i) return im * i, re end)
  lu.assertEquals(z:totable(), {{2.0, 1.0}, {4.0, 1.0}})
end)

test("apply passes on errors and refuses what does not fit", function()
  local a = neap.heap():array("list", "i8", 3)
  raises("own words", a.apply, a, function() error("own words") end)
  raises("integer expected, got nil", a.apply, a, function() end)
  raises("out of the range", a.apply, a, function() return 1000 end)
  raises("function expected", a.apply, a, 5)
end)

test("closing an array while apply runs is an error, not a crash", function()
  local heap = neap.heap()
  local a = heap:array("list", "i64", 100000)
  raises("array 'list' is closed", a.apply, a, function()
    a:close()
    heap:close()
    return 1
  end)
end)

test("the sum of a large array is exact where it can be", function()
  local heap = neap.heap()
  local n = 100003
  local a = heap:array("list", "i32", n):apply(function(_, i) return i end)
  lu.assertEquals(a:sum(), n * (n + 1) // 2)
  local b = heap:array("reals", "f64", n):copy(a)
  lu.assertEquals(b:sum(), n * (n + 1) / 2)
  lu.assertEquals(b:max(), n + 0.0)
end)

test("a read-only array is not written", function()
  local name = support.name("sky")
  local heap = assert(neap.open(name))
  heap:array("list", "i32", 3):fill(4)
  local reader = assert(neap.open(name, {read_only = true}))
  local a = reader:array("list")
  lu.assertFalse(a.writable)
  lu.assertEquals(a:sum(), 12)
  raises("is read-only", function() a[1] = 1 end)
  raises("is read-only", function() a:set(1, 1) end)
  raises("is read-only", function() a:copy {1, 2, 3} end)
  raises("is read-only", function() a:apply(function(v) return v end) end)
  fails("EACCES", a:fill(1))
  fails("EACCES", a:add(1))
  fails("EACCES", a:scale(2))
  fails("EACCES", a:fetch_add(1, 1))
  heap:unlink()
end)
