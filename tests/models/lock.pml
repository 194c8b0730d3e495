/*
 * A lock with parking: core/recovery/lock.h, step by step, on a machine that
 * delays plain stores (x86's store buffers), with one death anywhere.
 *
 * Each thread locks and unlocks ROUNDS times. What is checked: two are never
 * inside at once, and all come to their end, for a wake that gets lost would
 * leave somebody asleep for ever (the bounded sleep of the real one is left
 * out). With one of these an error must be found:
 *
 *   WITHOUT_FENCE    the sleeper passes no heavy fence
 *   WITHOUT_CARRY    who was woken does not make `parked` odd again
 *   WITHOUT_CHANGE   the waker clears the mark, but the word is as before
 *   WITHOUT_HELD     the claim is forgotten before the wake
 *   WITHOUT_REAPER   nobody acts for the dead
 */
#ifndef THREADS
#define THREADS 3
#endif
#ifndef ROUNDS
#define ROUNDS 2
#endif

byte word;               /* 0, or 1 + its owner */
byte parked;             /* odd: somebody may be asleep; counts modulo 16 */
bool delayed[THREADS];   /* that thread's store of 0 to the word is on its way */
bool asleep[THREADS];
bool held[THREADS];      /* slot.held names the lock */
byte inside;
bool died;
byte ended;

#define DRAIN(i) if :: delayed[i] -> word = 0; delayed[i] = false :: else fi

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

/* Whichever of them the kernel takes. */
inline wake_one()
{
    if
    :: asleep[0] -> asleep[0] = false
    :: asleep[1] -> asleep[1] = false
#if THREADS > 2
    :: asleep[2] -> asleep[2] = false
#endif
    :: else
    fi
}

#define CHANGED(p) (((p) + 1) % 16)

/* Anything may be its last step, once in a run. */
#define MAY_DIE if :: !died -> died = true; goto dead :: true fi

proctype thread(byte i)
{
    byte round = 0, seen, mark;
    do
    :: round < ROUNDS ->
        held[i] = true;
        MAY_DIE;
try:    atomic {
            DRAIN(i);
            if
            :: word == 0 -> word = i + 1; goto have
            :: else -> seen = word
            fi
        }
        MAY_DIE;
        atomic {
            DRAIN(i);
            if :: parked % 2 == 0 -> parked = CHANGED(parked) :: else fi;
            mark = parked
        }
        MAY_DIE;
#ifndef WITHOUT_FENCE
        atomic { drain_all() }
#endif
        if :: word != seen -> goto try :: else fi;
        MAY_DIE;
        atomic { if :: parked == mark -> asleep[i] = true :: else fi }
        !asleep[i];
        MAY_DIE;
#ifndef WITHOUT_CARRY
        atomic {
            DRAIN(i);
            if :: parked % 2 == 0 -> parked = CHANGED(parked) :: else fi
        }
        MAY_DIE;
#endif
        goto try;
have:   atomic { inside++; assert(inside == 1) }
        if
        :: !died -> died = true; inside--; goto dead
        :: true -> inside--
        fi;
        delayed[i] = true; /* word = 0, plain */
        MAY_DIE;
        mark = parked;
#ifdef WITHOUT_HELD
        held[i] = false;
#endif
        MAY_DIE;
        if
        :: mark % 2 == 1 ->
            atomic {
                DRAIN(i);
#ifndef WITHOUT_CHANGE
                if :: parked == mark -> parked = CHANGED(parked) :: else fi
#endif
            }
            MAY_DIE;
            atomic { wake_one() }
#ifdef WITHOUT_CHANGE
            if :: parked == mark -> parked = mark - 1 :: else fi
#endif
        :: else
        fi;
        MAY_DIE;
        held[i] = false;
        round++
    :: else -> break
    od;
    goto done;

dead:
    atomic {
        DRAIN(i);
#ifndef WITHOUT_REAPER
        if
        :: held[i] ->
            if :: word == i + 1 -> word = 0 :: else fi;
            if :: parked % 2 == 1 -> parked = CHANGED(parked) :: else fi;
            wake_all();
            held[i] = false
        :: else
        fi
#endif
    }
done:
    ended++
}

/* The processor, which drains a buffer when it likes. */
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
