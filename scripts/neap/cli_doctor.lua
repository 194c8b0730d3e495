--- neap doctor: what the machine offers, what it lacks, and what to do.

local neap = require "neap"
local out = require "neap.cli_out"

local doctor = {}

function doctor.describe(command)
  command:summary "Tell what the machine offers, and what to do where it lacks."
  command:description(
    "Look at the kernel's features that neap uses, at the room in /dev/shm, at "
    .. "the limits of memory, descriptors and System V, at huge pages and at the nodes "
    .. "of memory. What "
    .. "is not well comes with advice. The exit status is 1 if something is "
    .. "missing without which heaps cannot be made.")
end

local function read(path)
  local file = io.open(path)
  if not file then return nil end
  local text = file:read("a")
  file:close()
  return text and (text:gsub("%s+$", ""))
end

local function lines_of(command)
  local pipe = io.popen(command .. " 2>/dev/null")
  local text = pipe and pipe:read("a") or ""
  if pipe then pipe:close() end
  return text
end

-- Checks: each adds lines {what, how it is, "good"|"note"|"bad", advice} --------

local function kernel(add)
  add("kernel", read("/proc/sys/kernel/osrelease") or "?", "good")
  add("neap", neap.version, "good")
  for _, feature in ipairs(neap.features()) do
    add(feature.name, feature.present and feature.use or "missing: " .. feature.use,
        feature.present and "good" or "note",
        not feature.present and feature.without or nil)
  end
end

local function shm(add)
  local total, free = lines_of("df -P -B1 /dev/shm"):match(
    "\n%S+%s+(%d+)%s+%d+%s+(%d+)")
  if not total then
    add("/dev/shm", "not there", "bad",
        "mount -t tmpfs -o mode=1777 tmpfs /dev/shm; heaps in files work without")
    return
  end
  total, free = math.tointeger(total), math.tointeger(free)
  local small = total < 256 << 20
  local full = free < total // 20
  add("/dev/shm", ("%s, %s free"):format(out.size(total), out.size(free)),
      (small or full) and "note" or "good",
      full and "remove what is no longer used: neap ls, neap rm"
      or small and "make it larger: mount -o remount,size=2G /dev/shm "
                   .. "(docker run --shm-size=2g)" or nil)
  local options = read("/proc/mounts") or ""
  if (options:match("%S+ /dev/shm %S+ (%S+)") or ""):find("noexec") then
    add("/dev/shm noexec", "what is in it cannot be executed", "good")
  end
end

local function limits(add)
  local text = read("/proc/self/limits") or ""
  local function soft(name) return text:match(name .. "%s+(%S+)") end
  local descriptors = soft("Max open files")
  add("descriptors", descriptors or "?",
      (tonumber(descriptors) or math.huge) < 256 and "note" or "good",
      "each heap takes two of them: raise it with ulimit -n")
  local addresses = soft("Max address space")
  add("addresses", addresses or "?",
      addresses ~= "unlimited" and "note" or "good",
      "a heap reserves 64 GiB of addresses: ulimit -v unlimited, or open heaps "
      .. "with a smaller reserve")
  local locked = soft("Max locked memory")
  add("locked memory", tonumber(locked) and out.size(tonumber(locked)) or locked
      or "?", "good")
  local overcommit = read("/proc/sys/vm/overcommit_memory")
  add("overcommit", overcommit or "?", overcommit == "2" and "note" or "good",
      "with vm.overcommit_memory=2 reserved addresses count as memory: use a "
      .. "smaller reserve, or sysctl vm.overcommit_memory=0")
end

local function system_v(add)
  local shmmax = tonumber(read("/proc/sys/kernel/shmmax") or "") or 0
  local shmall = tonumber(read("/proc/sys/kernel/shmall") or "") or 0
  local small = shmmax < 64 << 20
  add("shmmax", out.size(math.tointeger(shmmax) or math.maxinteger),
      small and "note" or "good",
      "the largest System V segment: sysctl kernel.shmmax=...")
  add("shmall", ("%.0f pages"):format(shmall), shmall < 1 << 14 and "note" or "good",
      "all System V segments together: sysctl kernel.shmall=...")
  add("shmmni", read("/proc/sys/kernel/shmmni") or "?", "good")
end

local function huge_pages(add)
  for _, pool in ipairs(neap.huge_pages()) do
    add("huge pages", ("of %s: %d, %d free"):format(out.size(pool.page),
                                                    pool.total, pool.free),
        "good", pool.total == 0 and ("none are set aside: echo 64 > /sys/kernel/mm/"
        .. "hugepages/hugepages-%dkB/nr_hugepages"):format(pool.page >> 10) or nil)
  end
  local function chosen(path)
    return (read(path) or "?"):match("%[(.-)%]") or "?"
  end
  add("transparent", chosen("/sys/kernel/mm/transparent_hugepage/enabled"), "good")
  local shmem = chosen("/sys/kernel/mm/transparent_hugepage/shmem_enabled")
  add("transparent shm", shmem, "good",
      shmem == "never" and "shared memory gets none: echo advise > /sys/kernel/mm/"
      .. "transparent_hugepage/shmem_enabled" or nil)
end

local function nodes(add)
  for _, node in ipairs(neap.nodes()) do
    add("memory node " .. node.node, ("%s, %s free"):format(out.size(node.total),
        out.size(node.free)), "good")
  end
end

local function permissions(add)
  local scope = read("/proc/sys/kernel/yama/ptrace_scope")
  add("ptrace", scope and "yama, scope " .. scope or "not restricted",
      scope and scope ~= "0" and "note" or "good",
      "processes that are not children stand still by SIGSTOP for a checkpoint")
end

local function collect()
  local items = out.list()
  local function add(what, state, health, advice)
    items[#items + 1] = {
      what = what, state = state, health = health,
      advice = advice and (health ~= "good" or what:find("huge") or
                           what:find("transparent")) and advice or nil,
    }
  end
  for _, check in ipairs {kernel, shm, limits, system_v, huge_pages, nodes,
                          permissions} do
    check(add)
  end
  local heap, why = neap.heap()
  if heap then
    heap:close()
    add("a heap", "can be made", "good")
  else
    add("a heap", why, "bad", "see above")
  end
  return items
end

local styles = {good = "green", note = "yellow", bad = "red"}

function doctor.run(args)
  local items, sick = collect(), 0
  for _, item in ipairs(items) do
    if item.health == "bad" then sick = sick + 1 end
  end
  if args.json then
    out.json(items)
    return sick > 0 and 1 or 0
  end
  for _, item in ipairs(items) do
    print(("%-16s %s  %s"):format(
      item.what, out.styled(("%-4s"):format(item.health), styles[item.health]),
      item.state))
    if item.advice then print((" "):rep(23) .. out.styled(item.advice, "dim")) end
  end
  return sick > 0 and 1 or 0
end

return doctor
