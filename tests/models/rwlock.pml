/*
 * Entering an rwlock: core/sync/rwlock.c, step by step, with its bias, on a
 * machine that delays plain stores, with one death of a writer anywhere.
 *
 * What is checked: nobody reads while another one writes. Waiting is busy here;
 * how it is done in sleep is in lock.pml and wait.pml. With one of these an
 * error must be found:
 *
 *   WITHOUT_FENCE   the first writer under a bias passes no heavy fence
 *   ONE_STEP        it ends the bias at once, not by way of REVOKING
 *   ALWAYS_LIGHT    readers pass no fence, biased or not
 *   BIAS_BY_STORE   a reader biases the lock whatever a writer is doing
 *   BIAS_FIRST      the reader looks at the bias before it stores its claim
 */
#ifndef READERS
#define READERS 2
#endif
#define WRITERS 2
#define ROUNDS 2

#define FENCED 0
#define BIASED 1
#define REVOKING 2

byte word;                 /* 0, or 1 + the writer */
byte bias;
bool claim[READERS];
bool delayed[READERS];     /* that reader's claim is on its way */
byte reading, writing;
bool died;

#define DRAIN(i) if :: delayed[i] -> claim[i] = true; delayed[i] = false       \
                    :: else fi

inline drain_all()
{
    byte k = 0;
    do
    :: k < READERS -> DRAIN(k); k++
    :: else -> break
    od
}

proctype reader(byte i)
{
    byte round = 0, seen;
    do
    :: round < ROUNDS ->
again:  word == 0;
#ifdef BIAS_FIRST
        seen = bias;
        delayed[i] = true;
#else
        delayed[i] = true;
        seen = bias;
#endif
#ifndef ALWAYS_LIGHT
        if
        :: seen != BIASED -> atomic { DRAIN(i) }
        :: else
        fi;
#endif
        if
        :: word != 0 -> atomic { delayed[i] = false; claim[i] = false }
           goto again
        :: else
        fi;
        atomic { reading++; assert(writing == 0) }
        if
#ifdef BIAS_BY_STORE
        :: bias = BIASED
#else /* it has read often enough */
        :: atomic { if :: bias == FENCED -> bias = BIASED :: else fi }
#endif
        :: true
        fi;
        reading--;
        atomic { DRAIN(i); claim[i] = false }
        round++
    :: else -> break
    od
}

#define MAY_DIE if :: !died -> died = true; goto dead :: true fi

proctype writer(byte i)
{
    byte round = 0, j;
    do
    :: round < ROUNDS ->
        atomic { word == 0 -> word = i + 1 }
        MAY_DIE;
        if
        :: bias != FENCED ->
#ifdef ONE_STEP
            bias = FENCED;
            MAY_DIE;
            atomic { drain_all() }
#else
            bias = REVOKING;
            MAY_DIE;
#ifndef WITHOUT_FENCE
            atomic { drain_all() }
#endif
            MAY_DIE;
            bias = FENCED
#endif
        :: else
        fi;
        MAY_DIE;
        j = 0;
        do
        :: j < READERS -> !claim[j]; j++
        :: else -> break
        od;
        MAY_DIE;
        atomic { writing++; assert(reading == 0 && writing == 1) }
        if
        :: !died -> died = true; writing--; goto dead
        :: true -> writing--
        fi;
        word = 0;
        round++
    :: else -> break
    od;
    goto done;
dead:
    atomic { if :: word == i + 1 -> word = 0 :: else fi }
done:
    skip
}

active proctype processor()
{
end:
    do
    :: atomic { delayed[0] -> DRAIN(0) }
    :: atomic { delayed[1] -> DRAIN(1) }
    od
}

init
{
    atomic {
        run reader(0); run reader(1);
        run writer(0); run writer(1)
    }
}
