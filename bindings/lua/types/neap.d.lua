---@meta
-- Types for editors (LuaCATS, as lua-language-server reads them). The words on
-- each function are in the C files and in neap/*.lua.

---Seconds; nil waits for ever, 0 tries once.
---@alias neap.timeout number|nil
---Bytes, or text such as "64K", "1M", "2.5G".
---@alias neap.size integer|string
---Permission bits: "0600", or a number.
---@alias neap.mode string|integer
---@alias neap.type
---| "bool" | "i8" | "i16" | "i32" | "i64" | "u8" | "u16" | "u32" | "u64"
---| "f32" | "f64" | "c64" | "c128"
---@alias neap.protection "rw" | "r" | "none" | "rx" | "rwx"
---@alias neap.kind "posix" | "sysv" | "file" | "anonymous" | "memfd"
---The name of a status: "ENOENT", "EEXIST", "ETYPE" ...
---@alias neap.code string

---@class neap
---@field version string
---@field segment neap.segments
---@field kernel_semaphore neap.kernel_semaphores
local neap = {}

---@class neap.open_options
---@field create? boolean|"new" false: must be there; "new": must not
---@field read_only? boolean
---@field ephemeral? boolean the last user's end removes it
---@field mode? neap.mode
---@field slots? integer threads attached at once
---@field reserve? neap.size what it may grow to
---@field size? neap.size

---@param address string
---@param options? neap.open_options
---@return neap.heap? heap
---@return boolean|string created or text
---@return neap.code? code
function neap.open(address, options) end

---@param options? neap.open_options
---@return neap.heap? heap
---@return boolean|string created or text
---@return neap.code? code
function neap.heap(options) end
---@class neap.map
---@field address integer
---@field size integer
---@field offset integer
---@field device integer
---@field inode integer
---@field protection string
---@field shared boolean
---@field deleted boolean
---@field kind string
---@field resident integer
---@field others integer
---@field dirty integer
---@field swapped integer
---@field name? string
---@class neap.page
---@field page integer
---@field offset integer
---@field page_size integer
---@field present boolean
---@field swapped boolean
---@field frame? integer
---@field mapped? integer
---@field node? integer
---@field sharers integer[]
---@field map neap.map
---@return {page: integer, total: integer, free: integer}[]
function neap.huge_pages() end
---@return {node: integer, total: integer, free: integer}[]
function neap.nodes() end
---@param pid? integer
---@return neap.map[]? maps
---@return string? text
---@return neap.code? code
function neap.maps(pid) end
---@param address integer
---@param pid? integer
---@return neap.page? page
---@return string? text
---@return neap.code? code
function neap.translate(address, pid) end
---Numbers by name and names by number.
---@type {[string|integer]: integer|string}
neap.signals = {}
---@return {name: string, use: string, without: string, present: boolean}[]
function neap.features() end
---@param path string of a checkpoint
---@param address? string
---@param options? table mode, reserve, ephemeral
---@return neap.heap? heap
---@return boolean|string created or text
---@return neap.code? code
function neap.restore(path, address, options) end
---@param path string
---@return {kind: neap.kind, size: integer, stored: integer, taken: integer, uuid: string, host: string, address: string}? info
---@return string? text
---@return neap.code? code
function neap.checkpoint_info(path) end

---@param address string|integer
---@return true? done
---@return string? text
---@return neap.code? code
function neap.unlink(address) end

---@param address string|integer of a segment that is there
---@param options? {zone: integer|string|nil, frames: integer?, mode: "shared"|"copy"|nil, read_only: boolean?, address: integer?}
---@return neap.overlay? overlay
---@return string? text
---@return neap.code? code
function neap.overlay(address, options) end

---Parts of what is larger than memory, loaded on demand.
---@class neap.overlay
local overlay = {}
---@param offset integer
---@param length integer
---@param prot? "r"|"rw"
---@return neap.mapping? part
---@return string? text
---@return neap.code? code
function overlay:load(offset, length, prot) end
---@param size? integer
---@param prot? "r"|"rw"
---@return fun(): integer?, neap.mapping?
function overlay:windows(size, prot) end
---@param type neap.type
---@param length? integer
---@param options? {offset: integer?}
---@return neap.overlay_array
function overlay:array(type, length, options) end
---@param offset integer
---@param type neap.type
---@return any element, or nil
---@return any imaginary part, or text
---@return neap.code? code
function overlay:read(offset, type) end
---@param offset integer
---@param type neap.type
---@param value any
---@param imaginary? number
---@return true? done
---@return string? text
---@return neap.code? code
function overlay:write(offset, type, value, imaginary) end
---@param sync? boolean
---@return true? done
---@return string? text
---@return neap.code? code
function overlay:flush(sync) end
---@return integer? bytes
---@return string? text
---@return neap.code? code
function overlay:size() end
---@return integer address
---@return integer bytes
---@return integer frame
function overlay:zone() end
---@return {loads: integer, hits: integer, replaced: integer, loaded: integer, written: integer, frames: integer, used: integer, pinned: integer}
function overlay:stats() end
---@return string
function overlay:address() end
---@return boolean
function overlay:read_only() end
function overlay:close() end

---@class neap.overlay_array
---@field [integer] any
---@operator len: integer
local overlay_array = {}
---@param index integer
---@return any
function overlay_array:get(index) end
---@param index integer
---@param value any
function overlay_array:set(index, value, ...) end
---@param prot? "r"|"rw"
---@return fun(): integer?, neap.array?
function overlay_array:windows(prot) end
---@return number
function overlay_array:sum() end
---@return number
function overlay_array:min() end
---@return number
function overlay_array:max() end
---@return number
function overlay_array:mean() end
---@param value any
---@return neap.overlay_array
function overlay_array:fill(value) end

---@param path string
---@param number integer 1 to 255
---@return integer? key
---@return string? text
---@return neap.code? code
function neap.ftok(path, number) end

---Turn the guard of mapped memory on or off, or just ask.
---@param on? boolean
---@return boolean? before
---@return string? text
---@return neap.code? code
function neap.guard(on) end

---@return number seconds of the monotonic clock
function neap.now() end

---Wait until one of several objects can be had, and take it.
---@param objects table a list of events, latches, semaphores, mutexes, and `timeout`
---@return integer|false|nil which one, from 1
---@return any object that one, "timeout", or what failed
---@return string? news "abandoned", or a code
function neap.wait_any(objects) end

---Semaphores of the kernel and the C library.
---@class neap.kernel_semaphores
local kernel_semaphores = {}

---@param address string|integer "jobs", "sysv:5678", 5678
---@param options? {create: boolean?, exclusive: boolean?, undo: boolean?, mode: string|integer|nil, count: integer?, initial: integer?}
---@return neap.kernel_semaphore? semaphore
---@return boolean|string created or text
---@return neap.code? code
function kernel_semaphores.open(address, options) end
---@param address string|integer
---@return true? done
---@return string? text
---@return neap.code? code
function kernel_semaphores.unlink(address) end
---@return {address: string, kind: neap.kind, count: integer, mode: integer, uid: integer, gid: integer, changed: integer, id: integer?, operated: integer?}[]? list
---@return string? text
---@return neap.code? code
function kernel_semaphores.list() end

---@class neap.kernel_semaphore
---@operator len: integer
local kernel_semaphore = {}
---@param timeout? neap.timeout
---@param n? integer
---@param index? integer from 1
---@return boolean? done
---@return string? news "timeout", or text
---@return neap.code? code
function kernel_semaphore:acquire(timeout, n, index) end
---@param n? integer
---@param index? integer
---@return boolean? done
---@return string? news "timeout", or text
---@return neap.code? code
function kernel_semaphore:try(n, index) end
---@param n? integer
---@param index? integer
---@return true? done
---@return string? text
---@return neap.code? code
function kernel_semaphore:release(n, index) end
---@param changes integer[][] {index, by} each
---@param timeout? neap.timeout
---@return boolean? done
---@return string? news "timeout", or text
---@return neap.code? code
function kernel_semaphore:apply(changes, timeout) end
---@param index? integer
---@return integer? value
---@return string? text
---@return neap.code? code
function kernel_semaphore:get(index) end
---@param value integer
---@param index? integer
---@return true? done
---@return string? text
---@return neap.code? code
function kernel_semaphore:set(value, index) end
---@param index? integer
---@return {value: integer, last_pid: integer?, waiting: integer?, waiting_for_zero: integer?}? use
---@return string? text
---@return neap.code? code
function kernel_semaphore:look(index) end
---@return {kind: neap.kind, count: integer, mode: integer, uid: integer, gid: integer, changed: integer, id: integer?, operated: integer?}? stat
---@return string? text
---@return neap.code? code
function kernel_semaphore:stat() end
---@param timeout? neap.timeout
---@return neap.guard|false guard
---@return string? news "timeout"
function kernel_semaphore:guard(timeout) end
---@param fn fun(...): ...
---@param ... any
---@return any ...
function kernel_semaphore:with(fn, ...) end
---@return "posix"|"sysv"
function kernel_semaphore:kind() end
---@return string
function kernel_semaphore:address() end
function kernel_semaphore:close() end

---A descriptor that becomes readable when an object can be had.
---@param object neap.event|neap.latch|neap.semaphore|neap.mutex
---@return neap.watch? watch
---@return string? text
---@return neap.code? code
function neap.watch(object) end

---@class neap.watch
local watch = {}

---@return integer
function watch:fd() end
---@return boolean
function watch:rearm() end
---@return string
function watch:name() end
function watch:close() end

---@param address string
---@param size? neap.size
---@param prot? "rw"|"r"
---@return neap.mapping? mapping
---@return string? text
---@return neap.code? code
---@overload fun(address: string, prot: "rw"|"r"): neap.mapping?
function neap.map(address, size, prot) end

---@class neap.run_options
---@field progress? boolean|"auto"
---@field name? string
---@field seed? integer

---@param n integer 1 to 1024
---@param fn fun(worker: neap.worker): any
---@param options? neap.run_options
---@return table? results with n in the field n
---@return string? text
---@return neap.code? code
function neap.run(n, fn, options) end

---@param fn fun(...): any
---@param ... any
---@return neap.process? process
---@return string? text
---@return neap.code? code
function neap.fork(fn, ...) end

---@class neap.worker
---@field id integer 1 to workers
---@field workers integer
local worker = {}

---@param first integer
---@param last integer
---@param step? integer
---@param options? {chunk: integer}
---@return fun(): integer?
function worker:range(first, last, step, options) end

---@class neap.info
---@field kind neap.kind
---@field mode integer
---@field uid integer
---@field gid integer
---@field layout integer
---@field size integer
---@field used integer
---@field reserved integer
---@field objects integer
---@field slots integer
---@field attached integer
---@field dead integer
---@field deaths integer
---@field read_only boolean
---@field ephemeral boolean
---@field uuid string
---@field created integer

---@alias neap.object_kind
---| "counter" | "array" | "mutex" | "semaphore" | "event" | "latch"
---| "condition" | "rwlock" | "barrier" | "once"

---@class neap.item
---@field name string
---@field kind neap.object_kind
---@field id integer
---@field variant? "plain"|"striped"|"double"|"classic"|"undo"|"recursive"
---@field type? neap.type
---@field shape? integer[]
---@field bytes? integer
---@field value? number
---@field holder? integer

---@class neap.slot
---@field index integer
---@field incarnation integer
---@field dead boolean
---@field pid integer
---@field tid integer
---@field held integer
---@field permits integer

---@class neap.report
---@field ok boolean
---@field problems integer
---@field leaks integer
---@field doubles integer
---@field torn integer
---@field blocks integer
---@field free_blocks integer
---@field used_bytes integer
---@field free_bytes integer
---@field objects integer
---@field text string

---@class neap.heap
local heap = {}

---@return string
function heap:address() end
---@param name string
---@param options? {kind: "plain"|"striped"|"double"}
---@return neap.counter? counter
---@return boolean|string created or text
---@return neap.code? code
function heap:counter(name, options) end
---@param name string
---@param type? neap.type
---@param ... integer lengths
---@return neap.array? array
---@return boolean|string created or text
---@return neap.code? code
function heap:array(name, type, ...) end
---@return {name: string, kind: string, role: "holds"|"reads"|"waits", slot: integer, pid: integer, tid: integer, dead: boolean, waited: number?, held: number?, permits: integer?}[] uses
---@return {text: string, slots: integer[]}[] deadlocks
function heap:locks() end
---@return {kind: "header"|"slots"|"records"|"array"|"free"|"bare"|"reserve", offset: integer, size: integer, resident: integer, others: integer?, name: string?}[]
function heap:parts() end
---@return integer[]? pids
---@return string? text
---@return neap.code? code
function heap:processes() end
---@param options? {nobody_writes: boolean?}
---@return neap.segment? segment
---@return string? text
---@return neap.code? code
function heap:snapshot(options) end
---@return neap.segment? segment
---@return string? text
---@return neap.code? code
function heap:segment() end
---@param path string of a Unix socket
---@param options? {mode: string|integer|nil, count: integer?, fresh: number?, timeout: number?}
---@return integer? served
---@return string? text
---@return neap.code? code
function heap:serve(path, options) end
---@param name? string
---@param on? boolean
---@return integer? count
---@return string? text
---@return neap.code? code
function heap:measure(name, on) end
---@param name string
---@return {kind: string, measured: boolean, acquisitions: integer, contended: integer, longest_wait: number, waited: number?, longest_hold: number?, held: number?}? statistics
---@return string? text
---@return neap.code? code
function heap:statistics(name) end
---@param path string
---@param options? {mode: (string|integer)?, nobody_writes: boolean?, compress: (boolean|"zstd"|integer)?, progress: fun(done: integer, total: integer)?}
---@return {size: integer, stored: integer, changed: integer, stopped: integer, pause: number, took: number}? report
---@return string? text
---@return neap.code? code
function heap:checkpoint(path, options) end
---@param name string
---@param options? {recursive: boolean, spin?: 'auto'|integer}
---@return neap.mutex? mutex
---@return boolean|string created or text
---@return neap.code? code
function heap:mutex(name, options) end
---@param name string
---@param initial? integer
---@param options? {undo: boolean, bound: integer, spin?: 'auto'|integer}
---@return neap.semaphore? semaphore
---@return boolean|string created or text
---@return neap.code? code
function heap:semaphore(name, initial, options) end
---@param name string
---@param options? {spin?: 'auto'|integer}
---@return neap.event? event
---@return boolean|string created or text
---@return neap.code? code
function heap:event(name, options) end
---@param name string
---@param count? integer
---@param options? {spin?: 'auto'|integer}
---@return neap.latch? latch
---@return boolean|string created or text
---@return neap.code? code
function heap:latch(name, count, options) end
---@param name string
---@param options? {spin?: 'auto'|integer}
---@return neap.condition? condition
---@return boolean|string created or text
---@return neap.code? code
function heap:condition(name, options) end
---@param name string
---@param options? {spin?: 'auto'|integer}
---@return neap.rwlock? rwlock
---@return boolean|string created or text
---@return neap.code? code
function heap:rwlock(name, options) end
---@param name string
---@param parties? integer
---@param options? {shrink?: boolean, counted?: boolean, action?: fun(), timeout?: number, spin?: 'auto'|integer}
---@return neap.barrier? barrier
---@return boolean|string created or text
---@return neap.code? code
function heap:barrier(name, parties, options) end
---@param name string
---@param options? {spin?: 'auto'|integer}
---@return neap.once? once
---@return boolean|string created or text
---@return neap.code? code
function heap:once(name, options) end

---@alias neap.object
---| neap.counter | neap.array | neap.mutex | neap.semaphore | neap.event
---| neap.latch | neap.condition | neap.rwlock | neap.barrier | neap.once

---@param name string
---@return neap.object? object
---@return boolean|string created or text
---@return neap.code? code
function heap:object(name) end
---@return neap.item[]
function heap:list() end
---@param name string
---@return neap.item? item
---@return string? text
---@return neap.code? code
function heap:find(name) end
---@param name string
---@return true? done
---@return string? text
---@return neap.code? code
function heap:drop(name) end
---@return true? done
---@return string? text
---@return neap.code? code
function heap:unlink() end
---@return neap.info
function heap:info() end
---@return neap.slot[]
function heap:slots() end
---@return neap.report? report
---@return string? text
---@return neap.code? code
function heap:check() end
---@return integer? reaped
---@return string? text
---@return neap.code? code
function heap:reap() end
---@return true? done
---@return string? text
---@return neap.code? code
function heap:sync() end
function heap:close() end

---@class neap.counter
local counter = {}

---@param n? number
---@return number? value
---@return string? text
---@return neap.code? code
function counter:add(n) end
---@return number? value
---@return string? text
---@return neap.code? code
function counter:get() end
---@param value number
---@return true? done
---@return string? text
---@return neap.code? code
function counter:set(value) end
---@param value number
---@return number? old
---@return string? text
---@return neap.code? code
function counter:exchange(value) end
---@param expected number
---@param value number
---@return boolean? done
---@return number|string|nil actual or text
---@return neap.code? code
function counter:compare_exchange(expected, value) end
---@param value number
---@return number? value
---@return string? text
---@return neap.code? code
function counter:max(value) end
---@param value number
---@return number? value
---@return string? text
---@return neap.code? code
function counter:min(value) end
---@return "plain"|"striped"|"double"
function counter:kind() end
---@return string
function counter:name() end
function counter:close() end

---@class neap.array
---@field shape integer[]
---@field type neap.type
---@field size integer
---@field name string
---@field writable boolean
---@field [integer] any
---@operator len: integer
local array = {}

---@param i integer
---@return neap.array
function array:row(i) end
---@param ... integer
---@return number|boolean element
---@return number? imaginary
function array:get(...) end
---@param ... any indices and the value
function array:set(...) end
---@param ... number indices and what to add
---@return number? old
---@return string? text
---@return neap.code? code
function array:fetch_add(...) end
---@param value number|boolean
---@param imaginary? number
---@return neap.array? self
---@return string? text
---@return neap.code? code
function array:fill(value, imaginary) end
---@param from neap.array|table
---@return neap.array? self
---@return string? text
---@return neap.code? code
function array:copy(from) end
---@return number? sum
---@return number|string|nil imaginary or text
---@return neap.code? code
function array:sum() end
---@return number? mean
---@return number|string|nil imaginary or text
---@return neap.code? code
function array:mean() end
---@return number|boolean|nil least
---@return string? text
---@return neap.code? code
function array:min() end
---@return number|boolean|nil greatest
---@return string? text
---@return neap.code? code
function array:max() end
---@param other neap.array
---@return number? product
---@return number|string|nil imaginary or text
---@return neap.code? code
function array:dot(other) end
---@param other neap.array|number
---@param imaginary? number
---@return neap.array? self
---@return string? text
---@return neap.code? code
function array:add(other, imaginary) end
---@param factor number
---@param imaginary? number
---@return neap.array? self
---@return string? text
---@return neap.code? code
function array:scale(factor, imaginary) end
---@param fn fun(...): any element and indices to element
---@return neap.array? self
---@return string? text
---@return neap.code? code
function array:apply(fn) end
---@return table? elements
---@return string? text
---@return neap.code? code
function array:totable() end
function array:close() end

---@class neap.guard
local guard = {}
function guard:close() end

---@class neap.mutex
local mutex = {}

---@param timeout? neap.timeout
---@return boolean? locked
---@return string? news "abandoned", "timeout", or text
---@return neap.code? code
function mutex:lock(timeout) end
---@return boolean? locked
---@return string? news
---@return neap.code? code
function mutex:trylock() end
---@return true? done
---@return string? text
---@return neap.code? code
function mutex:unlock() end
---@param timeout? neap.timeout
---@return neap.guard|false guard
---@return string? news "abandoned" or "timeout"
function mutex:guard(timeout) end
---@param fn fun(...): ...
---@param ... any
---@return any ...
function mutex:with(fn, ...) end
---@return integer? pid 0 for nobody
---@return string? text
---@return neap.code? code
function mutex:holder() end
---@return boolean
function mutex:mine() end
---@return true? done
---@return string? text
---@return neap.code? code
function mutex:repaired() end
---@return integer|false|nil pid of the owner that died inside
---@return string? text
---@return neap.code? code
function mutex:abandoned() end
---@return "plain"|"recursive"
function mutex:kind() end
---@return string
function mutex:name() end
function mutex:close() end

---@class neap.semaphore
local semaphore = {}

---@param timeout? neap.timeout
---@param n? integer
---@return boolean? taken
---@return string? news "timeout", or text
---@return neap.code? code
function semaphore:acquire(timeout, n) end
---@param n? integer
---@return boolean? taken
---@return string? news
---@return neap.code? code
function semaphore:try(n) end
---@param n? integer
---@return true? done
---@return string? text
---@return neap.code? code
function semaphore:release(n) end
---@return integer? bound
function semaphore:bound() end
---@return integer? permits
---@return string? text
---@return neap.code? code
function semaphore:get() end
---@param timeout? neap.timeout
---@return neap.guard|false guard
---@return string? news "timeout"
function semaphore:guard(timeout) end
---@param fn fun(...): ...
---@param ... any
---@return any ...
function semaphore:with(fn, ...) end
---@return "classic"|"undo"
function semaphore:kind() end
---@return string
function semaphore:name() end
function semaphore:close() end

---@class neap.event
local event = {}

---@return true? done
---@return string? text
---@return neap.code? code
function event:set() end
---@return true? done
---@return string? text
---@return neap.code? code
function event:clear() end
---@return boolean? is_set
---@return string? text
---@return neap.code? code
function event:is_set() end
---@param timeout? neap.timeout
---@return boolean? there
---@return string? news "timeout", or text
---@return neap.code? code
function event:wait(timeout) end
---@return string
function event:name() end
function event:close() end

---@class neap.latch
local latch = {}

---@param n? integer
---@return true? done
---@return string? text
---@return neap.code? code
function latch:count_down(n) end
---@return integer? left
---@return string? text
---@return neap.code? code
function latch:left() end
---@param timeout? neap.timeout
---@return boolean? there
---@return string? news "timeout", or text
---@return neap.code? code
function latch:wait(timeout) end
---@return string
function latch:name() end
function latch:close() end

---@class neap.condition
local condition = {}

---@param mutex neap.mutex
---@param timeout? neap.timeout
---@return boolean? notified
---@return string? news "abandoned", "timeout", or text
---@return neap.code? code
function condition:wait(mutex, timeout) end
---@generic T
---@param mutex neap.mutex
---@param predicate fun(): T
---@param timeout? neap.timeout
---@return T|false|nil value
---@return string? news "abandoned", "timeout", or text
---@return neap.code? code
function condition:wait_for(mutex, predicate, timeout) end
---@param n? integer
---@return true? done
---@return string? text
---@return neap.code? code
function condition:notify(n) end
---@return true? done
---@return string? text
---@return neap.code? code
function condition:notify_all() end
---@return string
function condition:name() end
function condition:close() end

---@class neap.rwlock
local rwlock = {}

---@param timeout? neap.timeout
---@return boolean? locked
---@return string? news "timeout", or text
---@return neap.code? code
function rwlock:read(timeout) end
---@return boolean? locked
---@return string? news
---@return neap.code? code
function rwlock:try_read() end
---@param timeout? neap.timeout
---@return neap.guard|false guard
---@return string? news "timeout"
function rwlock:read_guard(timeout) end
---@param timeout? neap.timeout
---@return boolean? locked
---@return string? news "abandoned", "timeout", or text
---@return neap.code? code
function rwlock:write(timeout) end
---@return boolean? locked
---@return string? news
---@return neap.code? code
function rwlock:try_write() end
---@param timeout? neap.timeout
---@return neap.guard|false guard
---@return string? news "abandoned" or "timeout"
function rwlock:write_guard(timeout) end
---@return true? done
---@return string? text
---@return neap.code? code
function rwlock:unlock() end
---@return "read"|"write"|nil
function rwlock:mine() end
---@return true? done
---@return string? text
---@return neap.code? code
function rwlock:repaired() end
---@return integer|false|nil pid of the writer that died inside
---@return string? text
---@return neap.code? code
function rwlock:abandoned() end
---@return string
function rwlock:name() end
function rwlock:close() end

---@class neap.barrier
local barrier = {}

---@param timeout? neap.timeout
---@return integer|false|nil place
---@return string? news "timeout", or text
---@return neap.code? code
function barrier:wait(timeout) end
---@return true? done
---@return string? text
---@return neap.code? code
function barrier:join() end
---@return true? done
---@return string? text
---@return neap.code? code
function barrier:leave() end
---@return boolean
function barrier:shrinks() end
---@return boolean
function barrier:counted() end
---@return true? done
---@return string? text
---@return neap.code? code
function barrier:abort() end
---@return true? done
---@return string? text
---@return neap.code? code
function barrier:reset() end
---@return boolean? broken
---@return string? text
---@return neap.code? code
function barrier:broken() end
---@return integer? parties
---@return string? text
---@return neap.code? code
function barrier:parties() end
---@return integer? waiting
---@return string? text
---@return neap.code? code
function barrier:waiting() end
---@return string
function barrier:name() end
function barrier:close() end

---@class neap.once
local once = {}

---@param fn fun(...): any
---@param ... any
---@return boolean ran
function once:run(fn, ...) end
---@return boolean? done
---@return string? text
---@return neap.code? code
function once:done() end
---@return string
function once:name() end
function once:close() end

---@class neap.stat
---@field kind neap.kind
---@field size integer
---@field allocated integer
---@field mode integer
---@field uid integer
---@field gid integer
---@field attached? integer
---@field creator_pid? integer
---@field last_pid? integer
---@field id? integer
---@field removed? boolean
---@field accessed integer
---@field modified integer
---@field changed integer

---@class neap.listed: neap.stat
---@field address string
---@field is_heap boolean

---@class neap.segments
local segments = {}

---@param address string|integer
---@param size neap.size
---@param options? {mode: neap.mode?, huge: ("try"|"require")?, huge_page: neap.size?}
---@return neap.segment? segment
---@return string? text
---@return neap.code? code
function segments.create(address, size, options) end
---@param address string|integer
---@param options? {read_only: boolean}
---@return neap.segment? segment
---@return string? text
---@return neap.code? code
function segments.open(address, options) end
---@param address string|integer
---@param size neap.size
---@param options? {mode: neap.mode}
---@return neap.segment? segment
---@return boolean|string created or text
---@return neap.code? code
function segments.open_or_create(address, size, options) end
---@return neap.listed[]? list
---@return string? text
---@return neap.code? code
function segments.list() end
---@param path string
---@param timeout? number seconds
---@return neap.segment? segment
---@return string? text
---@return neap.code? code
function segments.take(path, timeout) end

---@class neap.map_options
---@field offset? neap.size
---@field length? neap.size
---@field prot? neap.protection
---@field private? boolean
---@field address? integer
---@field prefault? boolean
---@field lock? boolean
---@field huge? "try"|"require"

---@class neap.segment
local segment = {}

---@return integer? bytes
---@return string? text
---@return neap.code? code
function segment:size() end
---@return neap.stat? stat
---@return string? text
---@return neap.code? code
function segment:stat() end
---@param size neap.size
---@return true? done
---@return string? text
---@return neap.code? code
function segment:resize(size) end
---@param offset neap.size
---@param length neap.size
---@return true? done
---@return string? text
---@return neap.code? code
function segment:punch(offset, length) end
---@param ... "write"|"future_write"|"grow"|"shrink"|"seal"
---@return true? done
---@return string? text
---@return neap.code? code
function segment:seal(...) end
---@return table<string, true>? seals
---@return string? text
---@return neap.code? code
function segment:seals() end
---@param options? {zone: integer|string|nil, frames: integer?, mode: "shared"|"copy"|nil, read_only: boolean?, address: integer?}
---@return neap.overlay? overlay
---@return string? text
---@return neap.code? code
function segment:overlay(options) end
---@param options? {read_only: boolean?, deadlock: "wait"|"error"|nil}
---@return neap.heap? heap
---@return string? text
---@return neap.code? code
function segment:heap(options) end
---@param path string
---@param timeout? number seconds
---@return boolean? done
---@return string? text
---@return neap.code? code
function segment:give(path, timeout) end
---@param mode neap.mode
---@return true? done
---@return string? text
---@return neap.code? code
function segment:set_mode(mode) end
---@param uid? integer
---@param gid? integer
---@return true? done
---@return string? text
---@return neap.code? code
function segment:set_owner(uid, gid) end
---@param options? neap.map_options|neap.protection
---@return neap.mapping? mapping
---@return string? text
---@return neap.code? code
function segment:map(options) end
---@return true? done
---@return string? text
---@return neap.code? code
function segment:unlink() end
---@return string
function segment:address() end
---@return neap.kind
function segment:kind() end
function segment:close() end

---@class neap.mapping
---@operator len: integer
local mapping = {}

---@param offset integer bytes from 0
---@param type neap.type
---@return number|boolean element
---@return number? imaginary
function mapping:read(offset, type) end
---@param offset integer bytes from 0
---@param type neap.type
---@param value number|boolean
---@param imaginary? number
---@return true
function mapping:write(offset, type, value, imaginary) end
---@param offset? integer bytes from 0
---@param count? integer
---@return string
function mapping:bytes(offset, count) end
---@param offset integer bytes from 0
---@param bytes string
---@return true
function mapping:write_bytes(offset, bytes) end
---@param type neap.type
---@param ... integer|{offset: neap.size} lengths, and options
---@return neap.array? array
---@return string? text
---@return neap.code? code
function mapping:array(type, ...) end
---@param protection neap.protection
---@param offset? integer bytes from 0
---@param length? integer
---@return true? done
---@return string? text
---@return neap.code? code
function mapping:protect(protection, offset, length) end
---@param advice "normal"|"sequential"|"random"|"willneed"|"dontneed"
---@param offset? integer bytes from 0
---@param length? integer
---@return true? done
---@return string? text
---@return neap.code? code
function mapping:advise(advice, offset, length) end
---@param offset? integer bytes from 0
---@param length? integer
---@return integer? bytes
---@return string? text
---@return neap.code? code
function mapping:resident(offset, length) end
---@return integer
function mapping:address() end
---@return neap.protection
function mapping:protection() end
---@param policy "default"|"bind"|"prefer"|"interleave"
---@param nodes? integer|integer[]
---@param offset? integer bytes from 0
---@param length? integer
---@return true? done
---@return string? text
---@return neap.code? code
function mapping:place(policy, nodes, offset, length) end
---@param segment neap.segment
---@param length? neap.size
---@param options? {move: boolean}
---@return true? done
---@return string? text
---@return neap.code? code
function mapping:resize(segment, length, options) end
---@param later? boolean
---@return true? done
---@return string? text
---@return neap.code? code
function mapping:sync(later) end
---@param offset? integer
---@return neap.page? page
---@return string? text
---@return neap.code? code
function mapping:translate(offset) end
---@return integer
function mapping:length() end
function mapping:close() end

---@class neap.exit
---@field pid integer
---@field code integer
---@field signal? string
---@field core boolean

---@class neap.process
---@field pid integer
local process = {}

---@param timeout? neap.timeout
---@return boolean? ended
---@return any value, "timeout" or text
---@return neap.code? code
function process:wait(timeout) end
---@param timeout? neap.timeout
---@return boolean? ended
---@return neap.exit|string how, "timeout" or text
---@return neap.code? code
function process:status(timeout) end
---@return string bytes
function process:answered() end
---@return boolean
function process:alive() end
---@param signal? string|integer "SIGTERM" when not given
---@return true? done
---@return string? text
---@return neap.code? code
function process:kill(signal) end
function process:close() end

return neap
