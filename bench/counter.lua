--- Counters against a field of a table, which nobody shares.
local neap = require "neap"

local function adder(counter)
  return function(n)
    for _ = 1, n do counter:add(1) end
  end
end

return function(bench)
  local heap = assert(neap.heap())
  local counter = assert(heap:counter("plain"))
  local plain = {value = 0}

  local function add_to_field(n)
    for _ = 1, n do plain.value = plain.value + 1 end
  end

  local function get(n)
    local value
    for _ = 1, n do value = counter:get() end
    return value
  end

  local function get_field(n)
    local value
    for _ = 1, n do value = plain.value end
    return value
  end

  local theirs = {"table field, not shared", add_to_field}
  bench:row("add", "ns", {"neap", adder(counter)}, theirs)
  local striped = assert(heap:counter("striped", {kind = "striped"}))
  bench:row("striped, add", "ns", {"neap", adder(striped)}, theirs)
  local double = assert(heap:counter("double", {kind = "double"}))
  bench:row("double, add", "ns", {"neap", adder(double)}, theirs)
  bench:row("get", "ns", {"neap", get},
    {"table field, not shared", get_field})
end
