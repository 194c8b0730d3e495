--- Arrays against tables of numbers: elements, and the bulk functions against
-- a loop.
local neap = require "neap"

local ELEMENTS = 100000

local function filled(array)
  for i = 1, ELEMENTS do array[i] = 2.0 end
  return array
end

local function elements(bench, array, plain)
  local function index(a)
    return function(n)
      local value
      for _ = 1, n do value = a[777] end
      return value
    end
  end

  local function set_index(a)
    return function(n)
      for _ = 1, n do a[777] = 1.0 end
    end
  end

  local function get(n)
    local value
    for _ = 1, n do value = array:get(777) end
    return value
  end

  local function set(n)
    for _ = 1, n do array:set(777, 1.0) end
  end

  local function fetch_add(n)
    for _ = 1, n do array:fetch_add(777, 1.0) end
  end

  local function add(n)
    for _ = 1, n do plain[777] = plain[777] + 1.0 end
  end

  bench:row("a[i]", "ns", {"neap", index(array)}, {"table", index(plain)})
  bench:row("a[i] = x", "ns", {"neap", set_index(array)},
    {"table", set_index(plain)})
  bench:row("a:get(i)", "ns", {"neap", get}, {"table", index(plain)})
  bench:row("a:set(i, x)", "ns", {"neap", set}, {"table", set_index(plain)})
  bench:row("a:fetch_add(i, x)", "ns", {"neap", fetch_add},
    {"table, not atomic", add})
end

local function bulk(bench, array, other, plain, twin)
  local function row(what, ours, theirs)
    bench:row(what, "us", {"neap", function(n) for _ = 1, n do ours() end end},
      {"a loop over a table", function(n) for _ = 1, n do theirs() end end})
  end

  row("sum of 100,000 f64", function() return array:sum() end, function()
    local sum = 0.0
    for i = 1, ELEMENTS do sum = sum + plain[i] end
    return sum
  end)
  row("fill 100,000 f64", function() array:fill(2.0) end, function()
    for i = 1, ELEMENTS do plain[i] = 2.0 end
  end)
  row("dot of 100,000 f64", function() return array:dot(other) end, function()
    local sum = 0.0
    for i = 1, ELEMENTS do sum = sum + plain[i] * twin[i] end
    return sum
  end)
  row("add 100,000 f64", function() array:add(other) end, function()
    for i = 1, ELEMENTS do plain[i] = plain[i] + twin[i] end
  end)
  row("copy 100,000 f64", function() array:copy(other) end, function()
    table.move(twin, 1, ELEMENTS, 1, plain)
  end)
end

return function(bench)
  local heap = assert(neap.heap())
  local array = filled(assert(heap:array("a", "f64", ELEMENTS)))
  local other = filled(assert(heap:array("b", "f64", ELEMENTS)))
  local plain, twin = filled({}), filled({})
  elements(bench, array, plain)
  bulk(bench, array, other, plain, twin)
end
