/*
 * The event count: core/recovery/wait.h, step by step, as semaphores use it, on
 * a machine that delays plain stores, with one death anywhere.
 *
 * There is one permit; each thread takes it and gives it back ROUNDS times. All
 * must come to their end. With one of these an error must be found:
 *
 *   WITHOUT_FENCE   the sleeper passes no heavy fence
 *   WITHOUT_COUNT   `sleepers` is a flag: who clears it may clear what another
 *                   has just set
 *   WITHOUT_SEQ     the waker does not raise seq
 *   WITHOUT_WAKING  slot.waking is not kept
 *   WITHOUT_ON      slot.waiting_on is not kept
 */
#ifndef THREADS
#define THREADS 3
#endif
#ifndef ROUNDS
#define ROUNDS 2
#endif

byte value = 1;
bool delayed[THREADS];  /* that thread's value + 1 is on its way */
byte seq, sleepers;     /* modulo 16; sleepers odd: somebody may be asleep */
bool asleep[THREADS];
bool waking[THREADS], on[THREADS], has[THREADS];
bool died;
byte ended;

#define DRAIN(i) if :: delayed[i] -> value++; delayed[i] = false :: else fi

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
    byte k = 0;
    do
    :: k < THREADS -> asleep[k] = false; k++
    :: else -> break
    od
}

inline wake_one(ret)
{
    ret = true;
    if
    :: asleep[0] -> asleep[0] = false
    :: asleep[1] -> asleep[1] = false
#if THREADS > 2
    :: asleep[2] -> asleep[2] = false
#endif
    :: else -> ret = false
    fi
}

#define MAY_DIE if :: !died -> died = true; goto dead :: true fi

/* One look at the value; it is taken with a locked instruction. */
#define TAKE(i, label)                                                        \
    atomic {                                                                  \
        DRAIN(i);                                                             \
        if :: value > 0 -> value--; has[i] = true; goto label :: else fi      \
    }

proctype thread(byte i)
{
    byte round = 0, seen, mark;
    bool woke;
    do
    :: round < ROUNDS ->
        TAKE(i, have);
        MAY_DIE;
again:
#ifndef WITHOUT_ON
        on[i] = true;
#endif
        MAY_DIE;
        seen = seq;
#ifdef WITHOUT_COUNT
        atomic { DRAIN(i); sleepers = 1 }
#else
        atomic { DRAIN(i); sleepers = ((sleepers + 2) % 16) | 1 }
#endif
        MAY_DIE;
#ifndef WITHOUT_FENCE
        atomic { drain_all() }
#endif
        TAKE(i, awake);
        MAY_DIE;
        atomic { if :: seq == seen -> asleep[i] = true :: else fi }
        !asleep[i];
        MAY_DIE;
        TAKE(i, awake);
        goto again;
awake:  on[i] = false;
have:   MAY_DIE;
#ifndef WITHOUT_WAKING
        waking[i] = true;
#endif
        MAY_DIE;
        atomic { delayed[i] = true; has[i] = false } /* in one record */
        MAY_DIE;
        mark = sleepers;
        if
        :: mark % 2 == 1 ->
            MAY_DIE;
#ifndef WITHOUT_SEQ
            atomic { DRAIN(i); seq = (seq + 1) % 16 }
#else
            atomic { DRAIN(i) }
#endif
            MAY_DIE;
            atomic { wake_one(woke) }
            MAY_DIE;
            if
            :: !woke ->
#ifdef WITHOUT_COUNT
                sleepers = 0
#else
                atomic {
                    DRAIN(i);
                    if :: sleepers == mark -> sleepers = mark - 1 :: else fi
                }
#endif
            :: else
            fi
        :: else
        fi;
        MAY_DIE;
        waking[i] = false;
        round++
    :: else -> break
    od;
    goto done;

dead:
    atomic {
        DRAIN(i);
        if :: has[i] -> value++; has[i] = false; seq = (seq + 1) % 16;
              wake_all()
           :: else
        fi;
        if :: waking[i] || on[i] -> seq = (seq + 1) % 16; wake_all()
           :: else
        fi
    }
done:
    ended++
}

active proctype processor()
{
end:
    do
    :: atomic { delayed[0] -> DRAIN(0) }
    :: atomic { delayed[1] -> DRAIN(1) }
#if THREADS > 2
    :: atomic { delayed[2] -> DRAIN(2) }
#endif
    od
}

init
{
    atomic {
        byte t = 0;
        do
        :: t < THREADS -> run thread(t); t++
        :: else -> break
        od
    }
    ended == THREADS
}
