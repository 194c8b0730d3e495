/*
 * The barrier that breaks: core/sync/barrier.c, step by step, on a machine that
 * delays plain stores, with one death anywhere and one party that gives up.
 *
 * THREADS parties wait ROUNDS times. All must come to their end: through, or
 * told that it is broken. Nobody may pass before all came, and of one phase
 * nobody may pass while another is told that it is broken. Nobody opens it for a
 * party that was dead already when the last one came. With one of these an error
 * must be found:
 *
 *   WITHOUT_FENCE   the sleeper passes no heavy fence
 *   WITHOUT_REAPER  who is dead stays counted
 *   WITHOUT_BREAK   who gives up does not break it
 *   WITHOUT_PHASE   who waits looks for an empty barrier, not for the next phase
 *   WITHOUT_LOOK    who gives up does not look once more whether it is over
 *   WITHOUT_DEAD    the last to come does not look for dead parties
 *   WITHOUT_AGAIN   it does so only if it seemed to be the last before it had the
 *                   lock (three parties: how this was found)
 *   WITHOUT_WAKING  slot.waking is not kept
 */
#ifndef THREADS
#define THREADS 2
#endif
#ifndef ROUNDS
#define ROUNDS 2
#endif
#ifndef GIVES_UP /* a time-out must not hide a wake-up that was lost */
#define GIVES_UP 1
#endif

byte phase, waiting;     /* one word */
bool broken;
bool locked, freeing[THREADS]; /* that thread's plain store is on its way */
bool holds[THREADS];
byte opening[THREADS];   /* 1: the next phase is on its way from it; 2: one fewer
                            waits, and it is broken */
bool counted[THREADS];
byte whose[THREADS];     /* of which phase it is counted */
byte seq, sleepers;      /* modulo 16; sleepers odd: somebody may be asleep */
bool asleep[THREADS], on[THREADS], waking[THREADS], dead[THREADS];
bool died, gave_up;
byte came[ROUNDS + 1], passed[ROUNDS + 1], told[ROUNDS + 1];
byte ended;

/* A thread's stores become visible in their order. */
#define DRAIN(i)                                                              \
    if                                                                        \
    :: opening[i] == 1 -> phase++; waiting = 0; opening[i] = 0                \
    :: opening[i] == 2 -> waiting--; broken = true; opening[i] = 0            \
    :: else                                                                   \
    fi;                                                                       \
    if                                                                        \
    :: freeing[i] -> locked = false; freeing[i] = false; holds[i] = false    \
    :: else                                                                  \
    fi

inline drain_all()
{
    byte k = 0;
    do
    :: k < THREADS -> DRAIN(k); k++
    :: else -> break
    od
}

inline wake_all()
{
    byte w = 0;
    do
    :: w < THREADS -> asleep[w] = false; w++
    :: else -> break
    od
}

/* What whoever meets the dead does, wholly: their lock, their place, a wake. */
inline reap()
{
    byte r = 0;
    do
    :: r < THREADS ->
        if
        :: dead[r] ->
            DRAIN(r);
            if :: holds[r] -> locked = false; holds[r] = false :: else fi;
#ifndef WITHOUT_REAPER
            if
            :: counted[r] && whose[r] == phase && !broken ->
                waiting--; broken = true; counted[r] = false;
                seq = (seq + 1) % 16; wake_all()
            :: counted[r] && whose[r] == phase ->
                waiting--; counted[r] = false
            :: else -> counted[r] = false
            fi;
#endif
            if
            :: waking[r] || on[r] ->
                seq = (seq + 1) % 16; wake_all(); waking[r] = false;
                on[r] = false
            :: else
            fi
        :: else
        fi;
        r++
    :: else -> break
    od
}

#define MAY_DIE                                                               \
    if                                                                        \
    :: atomic { !died -> died = true; dead[i] = true }; goto done             \
    :: true                                                                   \
    fi

#define LOCK(i)                                                               \
    atomic { !locked -> locked = true; holds[i] = true; DRAIN(i) }

#ifdef WITHOUT_PHASE
#define OVER(i) (waiting == 0)
#else
#define OVER(i) (phase != mine)
#endif

/* Who died without being counted in this phase is waited for until the deadline. */
#define GONE(k) (dead[k] && !(counted[k] && whose[k] == phase))
#if THREADS > 2
#define NEVER_COMES (GONE(0) || GONE(1) || GONE(2))
#else
#define NEVER_COMES (GONE(0) || GONE(1))
#endif

proctype thread(byte i)
{
    byte round = 0, mine, seen, mark;
    byte d;
    bool was_dead, last, looked;
    do
    :: round < ROUNDS ->
        MAY_DIE;
        looked = false;
look:   was_dead = died;
#ifndef WITHOUT_DEAD
        atomic {
            if
            :: looked || waiting + 1 == THREADS -> looked = true; reap()
            :: else
            fi
        };
#endif
        LOCK(i);
        MAY_DIE;
#if !defined WITHOUT_DEAD && !defined WITHOUT_AGAIN
        if /* another one came in between, and this one is the last */
        :: !broken && !looked && waiting + 1 == THREADS ->
            freeing[i] = true; looked = true; goto look
        :: else
        fi;
#endif
        if
        :: broken -> freeing[i] = true; goto done
        :: else
        fi;
        /* One record, under the lock: it happens wholly or not at all. */
        atomic {
            mine = phase;
            came[mine]++;
            last = waiting + 1 == THREADS;
            if
            :: last -> waking[i] = true; opening[i] = 1; freeing[i] = true;
#ifdef WITHOUT_WAKING
                waking[i] = false;
#endif
                d = 0;
                do
                :: d < THREADS ->
                    assert(!(was_dead && dead[d] && counted[d] &&
                             whose[d] == mine));
                    d++
                :: else -> break
                od
            :: else -> waiting++; counted[i] = true; whose[i] = mine;
                freeing[i] = true
            fi
        };
        MAY_DIE;
        if
        :: last -> goto wake
        :: else
        fi;
again:
        on[i] = true;
        MAY_DIE;
        seen = seq;
        atomic { DRAIN(i); sleepers = ((sleepers + 2) % 16) | 1 };
        MAY_DIE;
#ifndef WITHOUT_FENCE
        atomic { drain_all() };
#endif
        if
        :: OVER(i) -> goto through
        :: !OVER(i) && broken -> goto leaving
        :: else
        fi;
        MAY_DIE;
        atomic { if :: seq == seen -> asleep[i] = true :: else fi };
        if
        :: !asleep[i]
        :: (GIVES_UP && !gave_up) || (NEVER_COMES && phase == mine) ->
            gave_up = true; asleep[i] = false; goto leaving
        fi;
        goto again;

leaving: /* told that it is broken, or tired of waiting */
        LOCK(i);
        if
#ifndef WITHOUT_LOOK
        :: phase != mine -> counted[i] = false; freeing[i] = true; goto through
#endif
        :: else ->
            atomic {
                assert(passed[mine] == 0);
                told[mine]++;
                counted[i] = false; waking[i] = true;
#ifdef WITHOUT_BREAK
                waiting--;
#else
                opening[i] = 2;
#endif
                freeing[i] = true
            };
            on[i] = false;
            mark = sleepers;
            if
            :: mark % 2 == 1 ->
                atomic { DRAIN(i); seq = (seq + 1) % 16; wake_all() }
            :: else
            fi;
            waking[i] = false;
            goto done
        fi;

through:
        atomic {
            on[i] = false; counted[i] = false;
            assert(came[mine] == THREADS && told[mine] == 0);
            passed[mine]++
        };
        round++;
        goto next;

wake:
        mark = sleepers;
        if
        :: mark % 2 == 1 ->
            MAY_DIE;
            atomic { DRAIN(i); seq = (seq + 1) % 16 };
            MAY_DIE;
            atomic { wake_all() }
        :: else
        fi;
        MAY_DIE;
        waking[i] = false;
        atomic {
            assert(came[mine] == THREADS && told[mine] == 0);
            passed[mine]++
        };
        round++;
next:   skip
    :: else -> break
    od;
    goto done;

done:
    ended++
}

#define EMPTY(k) (!opening[k] && !freeing[k])
#if THREADS > 2
#define ALL_EMPTY (EMPTY(0) && EMPTY(1) && EMPTY(2))
#define ANY_DEAD (dead[0] || dead[1] || dead[2])
#else
#define ALL_EMPTY (EMPTY(0) && EMPTY(1))
#define ANY_DEAD (dead[0] || dead[1])
#endif

/* Stores arrive some time. */
proctype memory()
{
    do
    :: atomic { !EMPTY(0) -> DRAIN(0) }
    :: atomic { !EMPTY(1) -> DRAIN(1) }
#if THREADS > 2
    :: atomic { !EMPTY(2) -> DRAIN(2) }
#endif
    :: ended == THREADS && ALL_EMPTY -> break
    od
}

/* No sleep is without end: who sleeps looks for the dead now and then. */
proctype reaper()
{
    do
    :: atomic { ANY_DEAD -> reap(); break }
    :: ended == THREADS -> break
    od
}

init {
    atomic {
        byte t = 0;
        do
        :: t < THREADS -> run thread(t); t++
        :: else -> break
        od;
        run memory();
        run reaper()
    }
}
