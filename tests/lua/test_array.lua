local lu = require "luaunit"
local neap = require "neap"
local support = require "support"
local test, raises, fails = support.test, support.raises, support.fails

test("a new array is filled with zeros and knows its shape", function()
  local grid, created = neap.heap():array("grid", "f64", 3, 4)
  lu.assertTrue(created)
  lu.assertEquals(#grid, 3)
  lu.assertEquals(grid.shape, {3, 4})
  lu.assertEquals(grid.type, "f64")
  lu.assertEquals(grid.size, 12)
  lu.assertEquals(grid.name, "grid")
  lu.assertTrue(grid.writable)
  lu.assertEquals(grid:totable(),
                  {{0.0, 0.0, 0.0, 0.0}, {0.0, 0.0, 0.0, 0.0},
                   {0.0, 0.0, 0.0, 0.0}})
  lu.assertEquals(tostring(grid), "neap.array 'grid' f64 3x4")
  lu.assertNil(grid.color)
end)

test("an array is the same under its name", function()
  local heap = neap.heap()
  local one = heap:array("list", "i32", 5)
  local other, created = heap:array("list", "i32", 5)
  lu.assertFalse(created)
  one[3] = 7
  lu.assertEquals(other[3], 7)
  lu.assertEquals(heap:array("list")[3], 7)
  lu.assertEquals(heap:array("list", "i32")[3], 7)
  lu.assertTrue(one == other)
  lu.assertFalse(one == heap:array("more", "i32", 5))
end)

test("opening it with another type or shape is ETYPE", function()
  local heap = neap.heap()
  heap:array("list", "i32", 5)
  lu.assertStrContains(fails("ETYPE", heap:array("list", "i64", 5)), "i32")
  fails("ETYPE", heap:array("list", "i32", 6))
  fails("ETYPE", heap:array("list", "i32", 5, 1))
  fails("ETYPE", heap:array("list", "f64"))
  fails("ETYPE", heap:mutex("list"))
  fails("ENOENT", heap:array("nothing"))
  fails("ENOENT", heap:array("nothing", "f64"))
end)

local limits = {
  i8 = {-128, 127}, i16 = {-32768, 32767}, i32 = {-2 ^ 31 | 0, 2 ^ 31 - 1 | 0},
  i64 = {math.mininteger, math.maxinteger}, u8 = {0, 255}, u16 = {0, 65535},
  u32 = {0, 2 ^ 32 - 1 | 0}, u64 = {0, math.maxinteger},
}

test("each integer type holds its limits and nothing beyond", function()
  local heap = neap.heap()
  for kind, limit in pairs(limits) do
    local a = heap:array(kind, kind, 2)
    a[1], a[2] = limit[1], limit[2]
    lu.assertEquals({a[1], a[2]}, limit)
    lu.assertEquals(math.type(a[1]), "integer")
    for _, beyond in ipairs {limit[1] - 1.0, limit[2] + 1.0} do
      if beyond < limit[1] or kind ~= "u64" and beyond > limit[2] then
        raises("is out of the range of " .. kind, function() a[1] = beyond end)
      end
    end
    lu.assertEquals(a[1], limit[1])
    a[1] = 5.0
    lu.assertEquals(a[1], 5)
    raises("has a fraction, and " .. kind .. " holds integers",
           function() a[1] = 1.5 end)
    raises("out of the range", function() a[1] = 1 / 0 end)
    raises("out of the range", function() a[1] = 0 / 0 end)
    raises("integer expected, got string", function() a[1] = "5" end)
    raises("integer expected, got nil", function() a[1] = nil end)
    raises("integer expected, got boolean", function() a[1] = true end)
  end
end)

test("the range is named in the error", function()
  local a = neap.heap():array("small", "i8", 2)
  raises("array 'small': 300 is out of the range of i8, -128 to 127",
         function() a[2] = 300 end)
end)

test("a u64 beyond Lua's integers is a float", function()
  local a = neap.heap():array("big", "u64", 1)
  a[1] = 2.0 ^ 63
  lu.assertEquals(a[1], 2.0 ^ 63)
  a[1] = 2.0 ^ 64 - 2048
  lu.assertEquals(a[1], 2.0 ^ 64 - 2048)
  raises("out of the range of u64", function() a[1] = 2.0 ^ 64 end)
  raises("out of the range of u64", function() a[1] = -1 end)
end)

test("reals hold what is not finite, f32 with less precision", function()
  local heap = neap.heap()
  local a, b = heap:array("a", "f64", 3), heap:array("b", "f32", 3)
  a[1], a[2], a[3] = 1 / 0, -1 / 0, 0 / 0
  lu.assertEquals(a[1], 1 / 0)
  lu.assertEquals(a[2], -1 / 0)
  lu.assertTrue(a[3] ~= a[3])
  a[1] = 7
  lu.assertEquals(math.type(a[1]), "float")
  b[1] = 0.1
  lu.assertEquals(b[1], string.unpack("f", string.pack("f", 0.1)))
  raises("number expected, got boolean", function() a[1] = true end)
end)

test("bools are true and false", function()
  local a = neap.heap():array("flags", "bool", 3)
  lu.assertEquals(a[1], false)
  a[2] = true
  lu.assertEquals(a:totable(), {false, true, false})
  raises("boolean expected, got number", function() a[1] = 1 end)
  lu.assertEquals(a:sum(), 1)
end)

test("complex elements have two parts", function()
  local heap = neap.heap()
  for _, kind in ipairs {"c64", "c128"} do
    local z = heap:array(kind, kind, 2, 2)
    z:set(1, 2, 3, -4)
    lu.assertEquals({z:get(1, 2)}, {3.0, -4.0})
    z:set(1, 2, 5)
    lu.assertEquals({z:get(1, 2)}, {5.0, 0.0})
    z:copy {{{1, 2}, {3, 4}}, {5, {6, 7}}}
    lu.assertEquals(z:totable(), {{{1.0, 2.0}, {3.0, 4.0}},
                                  {{5.0, 0.0}, {6.0, 7.0}}})
    lu.assertEquals({z:sum()}, {15.0, 13.0})
    raises("get(i) gives both parts", function() return z[1][1] end)
    fails("ENOTSUP", z:min())
    fails("ENOTSUP", z:fetch_add(1, 1, 1))
  end
end)

test("an index that is not there raises and names the range", function()
  local a = neap.heap():array("list", "i32", 10)
  local function at(i) return function() return a[i] end end
  raises("array 'list': index 0 out of range 1..10", at(0))
  raises("index -1 out of range 1..10", at(-1))
  raises("index 12 out of range 1..10", at(12))
  lu.assertNil(a[11])
  raises("index 11 out of range 1..10", function() a[11] = 1 end)
  raises("index 0 out of range", function() a[0] = 1 end)
  raises("number has no integer representation", at(1.5))
  raises("number expected, got table", at {})
  a[2.0] = 5
  lu.assertEquals(a[2.0], 5)
  raises("has no field 'color' to set", function() a.color = 1 end)
end)

test("get and set name the dimension that is out of range", function()
  local grid = neap.heap():array("grid", "i32", 3, 4)
  grid:set(3, 4, 7)
  lu.assertEquals(grid:get(3, 4), 7)
  raises("index 5 of dimension 2 out of range 1..4",
         function() grid:get(3, 5) end)
  raises("index 0 of dimension 1 out of range 1..3",
         function() grid:set(0, 1, 1) end)
  raises("2 indices expected, got 1", function() grid:get(1) end)
  raises("2 indices and a value expected, got 2",
         function() grid:set(1, 2) end)
  raises("index 2: integer expected, got x", function() grid:get(1, "x") end)
  raises("integer expected", function() grid:get(1, 1.5) end)
end)

test("ipairs, pairs and the table library see elements", function()
  local a = neap.heap():array("list", "i32", 4):copy {4, 3, 2, 1}
  local seen = {}
  for i, v in ipairs(a) do seen[i] = v end
  lu.assertEquals(seen, {4, 3, 2, 1})
  seen = {}
  for i, v in pairs(a) do seen[i] = v end
  lu.assertEquals(seen, {4, 3, 2, 1})
  lu.assertEquals({table.unpack(a, 1, #a)}, {4, 3, 2, 1})
  table.sort(a)
  lu.assertEquals(a:totable(), {1, 2, 3, 4})
end)

test("rows are views of the same memory", function()
  local grid = neap.heap():array("grid", "f64", 3, 4)
  grid[2][3] = 7
  lu.assertEquals(grid:get(2, 3), 7.0)
  local row = grid:row(2)
  lu.assertEquals(#row, 4)
  lu.assertEquals(row.shape, {4})
  lu.assertEquals(row[3], 7.0)
  row:fill(1)
  lu.assertEquals(grid:sum(), 4.0)
  lu.assertTrue(rawequal(grid[2], row))
  lu.assertTrue(grid[2] == row)
  lu.assertFalse(grid[1] == row)
  lu.assertEquals(tostring(row), "neap.array 'grid[2]' f64 4")
  raises("index 4 out of range 1..3", function() grid:row(4) end)
  raises("has one dimension and no rows", function() row:row(1) end)
  lu.assertNil(grid[4])
end)

test("a row can be set from an array or a table", function()
  local heap = neap.heap()
  local grid = heap:array("grid", "f64", 2, 3)
  grid[1] = {1, 2, 3}
  grid[2] = heap:array("line", "i32", 3):fill(9)
  lu.assertEquals(grid:totable(), {{1.0, 2.0, 3.0}, {9.0, 9.0, 9.0}})
  raises("array or table expected, got number", function() grid[1] = 5 end)
  raises("index 3 out of range", function() grid[3] = {1, 2, 3} end)
end)

test("rows outlive their array, and are made anew when closed", function()
  local heap = neap.heap()
  local grid = heap:array("grid", "i64", 2, 2, 2)
  local row = grid[2]
  row:close()
  lu.assertEquals(grid[2][1][1], 0)
  local deep = grid[1][2]
  lu.assertEquals(deep.name, "grid[1][2]")
  grid:close()
  heap:close()
  collectgarbage()
  deep[1] = 5
  lu.assertEquals(deep:totable(), {5, 0})
  raises("array 'grid' is closed", function() return grid[1] end)
end)

test("eight dimensions are welcome, nine are not", function()
  local heap = neap.heap()
  local a = heap:array("deep", "u8", 2, 2, 2, 2, 2, 2, 2, 2)
  a:set(2, 1, 2, 1, 2, 1, 2, 1, 77)
  lu.assertEquals(a[2][1][2][1][2][1][2][1], 77)
  raises("at most 8 dimensions",
         function() heap:array("deeper", "u8", 1, 1, 1, 1, 1, 1, 1, 1, 1) end)
end)

test("wrong shapes and types raise", function()
  local heap = neap.heap()
  raises("a dimension's length is 1 or more", heap.array, heap, "x", "f64", 0)
  raises("a dimension's length is 1 or more", heap.array, heap, "x", "f64", -3)
  raises("number expected, got string", heap.array, heap, "x", "f64", "3")
  raises("no integer representation", heap.array, heap, "x", "f64", 1.5)
  raises("no type 'f65'; there are bool i8", heap.array, heap, "x", "f65", 3)
  raises("a type is needed with lengths", heap.array, heap, "x", nil, 3)
  raises("x", heap.array, heap, "x", "f64", math.maxinteger, math.maxinteger)
  lu.assertEquals(heap:list(), {})
end)

test("an array beyond the heap's reserve is ENOSPC, and nothing is made",
function()
  local heap = neap.heap {reserve = "1M"}
  fails("ENOSPC", heap:array("large", "f64", 1 << 20))
  lu.assertEquals(heap:list(), {})
  heap:array("small", "f64", 100)
end)

test("fetch_add is atomic and tells what was there", function()
  local heap = neap.heap()
  local bins = heap:array("bins", "u32", 4, 4)
  neap.run(4, function()
    for i = 1, 1000 do bins:fetch_add(i % 4 + 1, 2) end
  end)
  lu.assertEquals(bins:totable()[3], {0, 1000, 0, 0})
  lu.assertEquals(bins:fetch_add(3, 2, 5), 1000)
  lu.assertEquals(bins:get(3, 2), 1005)
  local reals = heap:array("reals", "f64", 2)
  lu.assertEquals(reals:fetch_add(2, 0.5), 0.0)
  lu.assertEquals(reals[2], 0.5)
  fails("ENOTSUP", heap:array("flags", "bool", 2):fetch_add(1))
  raises("2 indices and a value expected", function() bins:fetch_add(1) end)
  raises("has a fraction", function() bins:fetch_add(1, 1, 0.5) end)
  raises("out of range", function() bins:fetch_add(5, 1, 1) end)
end)

test("a dropped array is EIDRM in bulk and harmless by element", function()
  local heap = neap.heap()
  local a = heap:array("list", "i32", 4):fill(3)
  heap:drop("list")
  fails("EIDRM", a:sum())
  fails("EIDRM", a:fill(1))
  fails("EIDRM", a:fetch_add(1, 1))
  fails("EIDRM", a:totable())
  fails("EIDRM", a:apply(function(v) return v end))
  lu.assertEquals(math.type(a[1]), "integer")
end)
