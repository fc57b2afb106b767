/*
 * One direction of a channel: window, acknowledgement, request, timeout and close.
 * `npm run model` checks it exhaustively with Spin; docs/RELIABILITY.md, "The model", says what that shows.
 *
 * Follows docs/PROTOCOL.md: §5.1 COUNT_NOW, §5.2 ACK (as far as messages and END go), §5.4 COUNT,
 * §5.5 WINDOW (N, M, T, early and counted mode), §5.9 END, §5.11 sequence numbers, §5.13 REQUEST, and §6.
 *
 * The network has two phases.
 *  - Before it heals, whatever was ever sent may arrive at any time, any number of times, in any order, or never. The
 *    only bound is age: a message more than OLD below the one expected next does not arrive, nor a COUNT more than OLD
 *    below the base. That is what the duplicate window of §2.1 gives: when D later packets at most may arrive before a
 *    packet, and each holds k messages at most, then nothing older than N + k * D comes, and no COUNT older than
 *    N * D. An ACK may name any message that has arrived. Nothing of this is bounded by a capacity.
 *  - It may heal at any moment, or never. What was on the way then is lost (what was not has arrived before). From then
 *    on up to DCAP and ACAP packets are on the way, in any order, and none is lost or repeated. The
 *    resend timer then runs out only when nothing else can happen: it is longer than the round trip and T, which
 *    its doubling sees to. From every state that the first phase reaches, everything must be delivered and
 *    the sender must close.
 *
 * Scaled down: wire numbers have SPAN values instead of 2^32; a packet holds one message.
 *
 * Left out: fragments, credit, congestion control and pacing, changes of N, M and T on the way (WINDOW, WINDOW_HINT),
 * RESET and CLOSE, SKIP and deliveries other than ordered, packet numbers and ACK ranges (an ACK names the
 * message that its packet held), and time itself: before the network heals every timer may run out at any time.
 *
 * Two places where the text leaves room, and how they are read here (for each a mutant takes the other reading):
 *  - the resend timeout sends COUNT_NOW even if there is nothing to repeat, because ACKs have named every message
 *    and only the COUNT was lost (MUT_NO_LONE_ASK);
 *  - once END was sent, the run of acknowledged messages moves the base in counted mode too: a channel that is
 *    gone on the other side sends no COUNT any more, only ACKs (MUT_COUNT_ALONE).
 */

/* ---- sizes and modes; scripts/model.mjs sets them by -D ---- */
#ifndef N
#define N 4 /* messages in flight, 2-8 */
#endif
#ifndef M
#define M 2 /* messages in sequence that call for a COUNT, 1-N */
#endif
#ifndef TOTAL
#define TOTAL 20 /* messages, above SPAN so that wire numbers wrap; below 64 */
#endif
#ifndef SPAN
#define SPAN 16 /* wire numbers; 2^32 in the protocol */
#endif
#ifndef OLD
#define OLD (SPAN / 2 - 1) /* how far below the number expected an old packet's number may lie */
#endif
#ifndef DCAP
#define DCAP 3 /* packets of the sender on the way at once, after the network healed, 1-4 */
#endif
#ifndef ACAP
#define ACAP 2 /* packets of the receiver, the same, 1-3 */
#endif
#ifndef COUNTED
#define COUNTED 1 /* 1 counted mode, 0 early mode */
#endif
#ifndef ALL
#define ALL 0 /* 1 resend 'all', 0 resend 'missing' */
#endif
#ifndef WAIT
#define WAIT 0 /* 1 fill 'wait', 0 fill 'send' */
#endif
#define PATIENCE (N + 2) /* resend timeouts in a row that may move nothing after the network healed */

#ifdef MUT_WIDE_WINDOW
#define WINDOW (N + 1)
#else
#define WINDOW N
#endif

/* Spin does not say which lines within a d_step were never reached. scripts/model.mjs runs the model with
 * REACH = 1, 2 ... and wants each of these to fail. */
#ifndef REACH
#define REACH 0
#endif
#define REACHED(place) assert(REACH != place)

/* ---- the network ---- */
/* Packets are kind * 64 + message. */
#define MSG 1     /* a message */
#define MSG_ASK 2 /* a message and COUNT_NOW */
#define NOW 3     /* COUNT_NOW alone */
#define END 4
#define COUNT 1     /* ACK and COUNT */
#define COUNT_END 2 /* the same, and the ACK names END */
#define ACK 3       /* an ACK without COUNT: it names a message; END when that is 0 and the kind is ACK_END */
#define ACK_END 4
#define REQUEST 5

bit healed;
/* Before it heals: what was ever sent, as far as it may still do something. A message was sent if its number is
 * `sent` or below; any that arrived may be named by an ACK. */
bit now_sent, end_sent;
byte counts;   /* bit k: a COUNT that names base + 1 + k */
byte requests; /* bit k: a REQUEST for base + 1 + k */
/* After that: the packets on their way, sorted. */
short data[DCAP], answers[ACAP];
byte nd, na;
#define CAN_SEND (!healed || nd < DCAP)
#define CAN_ANSWER (!healed || na < ACAP)

/* ---- sender ---- */
byte base;   /* everything up to here is acknowledged */
byte sent;   /* the last message that was ever sent */
byte acked;  /* bit k: an ACK has named message base + 1 + k */
byte again;  /* bit k: message base + 1 + k is to be sent again */
bit ask;     /* COUNT_NOW is to be sent */
byte ending; /* END: 0 to be sent, 1 sent, 2 acknowledged */
bit closed;
byte quiet;  /* resend timeouts in a row that moved nothing, since the network healed */
#if WAIT
byte written; /* messages that the application has written */
bit hold = 1; /* waits until N are buffered */
#define WRITTEN written
#define HOLD hold
#else
#define WRITTEN TOTAL
#define HOLD 0
#endif
#define IN_FLIGHT ((1 << (sent - base)) - 1)

/* ---- receiver ---- */
byte expected = 1; /* the next message in sequence */
byte buffer[N];    /* what message expected + k holds; 0: not here. A message holds its own true number */
byte delivered;    /* what the message delivered last held */
byte counted;      /* what the last COUNT named */
bit ticking;       /* T runs, or the delay of an ACK */
bit requested;     /* a REQUEST was sent since the last message in sequence */
bit end_seen;
bit gone;          /* the channel is gone here */
#define COMPLETE (end_seen && expected == TOTAL + 1)
#if N > 4
#define HELD (buffer[1] || buffer[2] || buffer[3] || buffer[4] || buffer[5] || buffer[N - 2] || buffer[N - 1])
#elif N > 2
#define HELD (buffer[1] || buffer[N - 2] || buffer[N - 1])
#else
#define HELD (buffer[1])
#endif

/* Scratch, within one d_step. */
hidden byte i, w, kind, truth;
hidden int s, c;
hidden short packet;

/* §5.4, §5.11: s = the number that ends in w and is closest to `near`; of two the larger; never negative. */
inline restore(near) {
  s = ((near) / SPAN) * SPAN + w;
  if
  :: s + SPAN / 2 <= (near) -> s = s + SPAN; REACHED(1)
  :: s > (near) + SPAN / 2 && s >= SPAN -> s = s - SPAN; REACHED(2)
  :: else
  fi
}

inline insert_data() { /* packet */
  i = nd;
  do
  :: i > 0 && data[i - 1] > packet -> data[i] = data[i - 1]; i--
  :: else -> break
  od;
  data[i] = packet;
  nd++
}

inline remove_data(at) {
  i = at;
  do
  :: i + 1 < nd -> data[i] = data[i + 1]; i++
  :: else -> break
  od;
  nd--;
  data[nd] = 0
}

inline insert_answer() { /* packet */
  i = na;
  do
  :: i > 0 && answers[i - 1] > packet -> answers[i] = answers[i - 1]; i--
  :: else -> break
  od;
  answers[i] = packet;
  na++
}

inline remove_answer(at) {
  i = at;
  do
  :: i + 1 < na -> answers[i] = answers[i + 1]; i++
  :: else -> break
  od;
  na--;
  answers[na] = 0
}

inline send(a_kind, number) {
  if
  :: healed -> packet = (a_kind) * 64 + (number); insert_data()
  :: else ->
    if
    :: (a_kind) == MSG_ASK || (a_kind) == NOW -> now_sent = 1
    :: (a_kind) == END -> end_sent = 1
    :: else
    fi
  fi
}

inline answer(a_kind, number) {
  if
  :: healed -> packet = (a_kind) * 64 + (number); insert_answer()
  :: else ->
    if
    :: ((a_kind) == COUNT || (a_kind) == COUNT_END) && (number) > base -> counts = counts | (1 << ((number) - base - 1))
    :: (a_kind) == REQUEST && (number) > base -> requests = requests | (1 << ((number) - base - 1))
    :: else /* ACKs: of what has arrived, any may be named at any time */
    fi
  fi
}

/* After the network healed: answers that would do nothing any more are taken off (a COUNT or an ACK of what is below
 * the base; that an old COUNT is known as such is checked apart), and messages that are too old. */
inline prune_answers() {
  i = 0;
  do
  :: i < na ->
    if
    :: answers[i] % 64 <= base && answers[i] / 64 != COUNT_END && answers[i] / 64 != ACK_END ->
      c = i;
      do
      :: c + 1 < na -> answers[c] = answers[c + 1]; c++
      :: else -> break
      od;
      na--;
      answers[na] = 0
    :: else -> i++
    fi
  :: else -> break
  od
}

inline prune_data() {
  i = 0;
  do
  :: i < nd ->
    if
    :: data[i] / 64 <= MSG_ASK && data[i] % 64 + OLD < expected ->
      c = i;
      do
      :: c + 1 < nd -> data[c] = data[c + 1]; c++
      :: else -> break
      od;
      nd--;
      data[nd] = 0
    :: else -> i++
    fi
  :: else -> break
  od
}

/* ---- sender ---- */
inline move_base(to) {
  if
  :: (to) > base ->
    acked = acked >> ((to) - base);
    again = again >> ((to) - base);
    counts = counts >> ((to) - base);
    requests = requests >> ((to) - base);
    base = (to);
    quiet = 0;
    prune_answers();
    if
    :: HELD -> REACHED(14) /* the base moves while the receiver holds messages above a gap */
    :: else
    fi;
    assert(base < expected); /* the receiver has everything up to the base */
#if ALL
    again = IN_FLIGHT;
#endif
#if WAIT
    if
    :: base == sent && written < TOTAL -> hold = (written - sent < N)
    :: else
    fi;
#endif
    skip
  :: else
  fi
}

inline acknowledged_run() {
  c = base;
  do
  :: c < sent && ((acked >> (c - base)) & 1) -> c++
  :: else -> break
  od;
  move_base(c)
}

inline take_answer() {
  w = truth % SPAN;
  if
  :: kind == COUNT || kind == COUNT_END ->
    restore(base);
    assert(s == truth); /* §5.4: the restored count is the true one */
    assert(s <= sent);  /* otherwise ACK_INVALID */
#ifdef MUT_BASE_PLUS_ONE
    if
    :: s > base && s < sent -> s++
    :: else
    fi;
#endif
    if
    :: s > base -> REACHED(3)
    :: else
    fi;
    move_base(s)
  :: kind == ACK && truth > base -> acked = acked | (1 << (truth - base - 1))
  :: kind == REQUEST ->
    restore(base);
    if
    :: s > base && s <= sent ->
      assert(s == truth); /* §5.13: what is sent again is what was asked for */
      again = again | (1 << (s - base - 1));
      REACHED(4)
    :: else
    fi
  :: else
  fi;
  if
  :: kind == COUNT_END || kind == ACK_END -> ending = 2
  :: else
  fi;
#if !COUNTED
  acknowledged_run();
#elif !defined(MUT_COUNT_ALONE)
  if
  :: ending > 0 -> acknowledged_run()
  :: else
  fi;
#endif
#if !ALL && !defined(MUT_RESEND_ACKED)
  again = again & ~acked;
#endif
  if
  :: base == TOTAL && ending == 2 -> closed = 1; acked = 0; again = 0; ask = 0; REACHED(5)
  :: else
  fi
}

active proctype Sender() {
  byte pick;
  do
  /* A new message. */
  :: d_step { again == 0 && sent < WRITTEN && sent - base < WINDOW && !HOLD && CAN_SEND ->
      sent++;
      assert(sent - base <= N);
      if
      :: ask -> ask = 0; send(MSG_ASK, sent)
      :: else -> send(MSG, sent)
      fi
    }

  /* What is to be sent again, in order. */
  :: d_step { again != 0 && CAN_SEND ->
      c = 0;
      do
      :: ((again >> c) & 1) == 0 -> c++
      :: else -> break
      od;
      again = again & ~(1 << c);
      truth = base + 1 + c;
      REACHED(6);
      assert(truth <= sent && !closed);
#if !ALL
      assert(((acked >> c) & 1) == 0); /* what was acknowledged is not sent again */
#endif
      if
      :: ask && again == 0 -> ask = 0; send(MSG_ASK, truth)
      :: else -> send(MSG, truth)
      fi
    }

  :: d_step { ask && again == 0 && CAN_SEND -> ask = 0; REACHED(7); send(NOW, 0) }

  :: d_step { sent == TOTAL && ending == 0 && again == 0 && CAN_SEND -> ending = 1; send(END, TOTAL) }

  /* The resend timer, and the PTO of END. */
  :: atomic { !closed && (sent > base || ending == 1) && again == 0 && !ask && (!healed || timeout) ->
      d_step {
        again = IN_FLIGHT & ~acked;
#if COUNTED
#ifdef MUT_NO_LONE_ASK
        ask = (again != 0);
#else
        ask = 1;
#endif
#endif
#ifndef MUT_END_ONCE
        if
        :: ending == 1 -> ending = 0
        :: else
        fi;
#endif
        if
        :: healed ->
          REACHED(8);
          quiet++;
          assert(quiet <= PATIENCE);
          assert(gone || counted == expected - 1) /* T left nothing that came in sequence without a COUNT */
        :: else
        fi
      }
    }

  /* Declared lost: a packet sent later was acknowledged. Of several, the lowest first. */
  :: d_step { !healed && acked != 0 && again == 0 && (acked & (acked + 1)) != 0 ->
      again = ~acked & (acked + 1);
      REACHED(9)
    }

#if WAIT
  :: d_step { written < TOTAL && written - sent < N ->
      written++;
      if
      :: written - sent >= N || written == TOTAL -> hold = 0 /* N are buffered, or the channel is being ended */
      :: else
      fi
    }

  /* flush() */
  :: d_step { !healed && written > base && !ask && !closed ->
      hold = 0;
      REACHED(15);
#if COUNTED
      ask = 1
#endif
    }
#endif

  /* Before the network heals. A COUNT of what is acknowledged already, as old as it may be, must be known as such. */
  :: d_step { !healed && !closed && base > 0 ->
      c = (base > OLD -> base - OLD : 0);
      do
      :: c < base -> w = c % SPAN; restore(base); assert(s == c); c++
      :: else -> break
      od;
      c = 0 /* Spin wants a statement behind a loop here */
    }

  :: atomic { counts != 0 && !closed ->
      do
      :: (counts >> (pick + 1)) != 0 -> pick++
      :: (counts >> pick) & 1 -> break
      od;
      d_step { kind = COUNT; truth = base + 1 + pick; pick = 0; take_answer() }
    }

  :: atomic { !healed && !closed && sent > base ->
      pick = base + 1;
      do
      :: pick < sent -> pick++
      :: true -> break
      od;
      d_step {
        kind = 0; truth = pick; pick = 0;
        if
        :: truth < expected || (truth < expected + N && buffer[truth - expected] != 0) -> kind = ACK
        :: else /* has not arrived */
        fi;
        take_answer()
      }
    }
  :: atomic { requests != 0 && !closed ->
      do
      :: (requests >> (pick + 1)) != 0 -> pick++
      :: (requests >> pick) & 1 -> break
      od;
      d_step { kind = REQUEST; truth = base + 1 + pick; pick = 0; take_answer() }
    }

  :: d_step { !healed && !closed && ending != 2 && end_seen -> kind = ACK_END; truth = 0; take_answer() }

  /* After it. */
  :: atomic { na > 0 ->
      do
      :: pick + 1 < na -> pick++
      :: true -> break
      od;
      d_step {
        kind = answers[pick] / 64; truth = answers[pick] % 64;
        remove_answer(pick);
        pick = 0;
        if
        :: !closed -> take_answer()
        :: else
        fi
      }
    }

  :: closed && (!healed || na == 0) ->
    assert(delivered == TOTAL);
    break
  od
}

/* ---- receiver ---- */
inline say_count(count, a_kind) {
  counted = (count);
#ifdef MUT_T_NOT_AGAIN
  ticking = 0;
#else
  if
  :: expected - 1 > counted -> REACHED(11)
  :: else
  fi;
  ticking = (expected - 1 > counted); /* T starts again if something is left that the COUNT does not name */
#endif
#ifdef MUT_COUNT_HOLES
  truth = (count);
  c = 1;
  do
  :: c < N -> truth = truth + (buffer[c] != 0); c++
  :: else -> break
  od;
  answer(a_kind, truth)
#else
  answer(a_kind, (count))
#endif
}

inline take_message() {
  w = truth % SPAN;
  restore(expected);
  assert(s == truth);       /* §5.11: the restored number is the true one */
  assert(s < expected + N); /* never more than N in flight */
#ifdef MUT_NO_REACK
  if
  :: s >= expected && buffer[s - expected] == 0 -> ticking = 1
  :: else -> kind = 0 /* neither T nor COUNT_NOW */
  fi;
#elif defined(MUT_T_ONCE)
  ticking = (counted == 0);
#else
  ticking = 1; /* from the first receipt, of a new message or one again */
#endif
  if
#ifdef MUT_OUT_OF_ORDER
  :: s >= expected -> buffer[0] = truth
#else
  :: s >= expected -> buffer[s - expected] = truth
#endif
  :: s < expected -> REACHED(10) /* received before */
  fi;
  do
  :: buffer[0] != 0 ->
    assert(buffer[0] == delivered + 1); /* each once, in order */
    delivered = buffer[0];
    expected++;
    requested = 0;
    c = 0;
    do
    :: c + 1 < N -> buffer[c] = buffer[c + 1]; c++
    :: else -> break
    od;
    buffer[N - 1] = 0
  :: else -> break
  od;
  prune_data()
}

inline take_packet() {
  if
  :: gone ->
    REACHED(12); /* the channel is unknown here; a packet that elicits an ACK gets one */
    if
    :: kind == MSG_ASK -> answer(ACK, truth)
    :: kind == MSG ->
#if !COUNTED
      answer(ACK, truth);
#endif
      skip
    :: kind == END -> answer(ACK_END, 0)
    :: else
    fi
  :: else ->
    if
    :: kind == MSG || kind == MSG_ASK -> take_message()
    :: kind == END -> end_seen = 1
    :: else
    fi;
    if
    :: kind != 0 && COMPLETE -> say_count(TOTAL, COUNT_END)
    :: !COMPLETE && (kind == MSG_ASK || kind == NOW) -> say_count(expected - 1, COUNT)
    :: !COMPLETE && kind == MSG && expected - 1 - counted >= M ->
#if COUNTED
#ifdef MUT_ROUND_UP
      say_count(((expected - 1 + M - 1) / M) * M, COUNT)
#else
      say_count(((expected - 1) / M) * M, COUNT)
#endif
#else
      say_count(expected - 1, COUNT)
#endif
    :: !COMPLETE && kind == END -> answer(ACK_END, 0)
    :: else
    fi
  fi
}

active proctype Receiver() {
  byte pick;
end_receiving: /* whether it may stay here is for the sender to say, which must close */
  do
  /* Before the network heals. */
  :: atomic { !healed && !gone && sent > 0 ->
      pick = (expected > OLD -> expected - OLD : 1);
      do
      :: pick < sent -> pick++
      :: true -> break
      od;
      d_step { kind = MSG; truth = pick; pick = 0; take_packet() }
    }
  :: d_step { !healed && !gone && now_sent -> kind = NOW; truth = 0; take_packet() }
  :: d_step { !healed && !gone && end_sent -> kind = END; truth = TOTAL; take_packet() }

  /* After it. */
  :: atomic { nd > 0 && CAN_ANSWER ->
      do
      :: pick + 1 < nd -> pick++
      :: true -> break
      od;
      d_step {
        kind = data[pick] / 64; truth = data[pick] % 64;
        remove_data(pick);
        pick = 0;
        take_packet()
      }
    }

  /* T; in early mode also whatever else makes an ACK due. */
  :: d_step { ticking && !gone && CAN_ANSWER -> say_count(expected - 1, COUNT) }

  /* REQUEST of the messages that are missing below one that is here; after the network healed, once. */
  :: d_step { !gone && HELD && CAN_ANSWER && (!healed || !requested) ->
      requested = healed;
      c = 1;
      REACHED(13);
      answer(REQUEST, expected);
      do
      :: !healed && c + 1 < N ->
        truth = 0; i = c + 1;
        do
        :: i < N -> truth = truth | buffer[i]; i++
        :: else -> break
        od;
        if
        :: truth != 0 && buffer[c] == 0 -> answer(REQUEST, expected + c)
        :: else
        fi;
        c++
      :: else -> break
      od;
      c = 0
    }

  /* Our own direction has ended too: the channel is gone, whether our last COUNT arrived or not. */
  :: d_step { !healed && COMPLETE && !gone -> gone = 1; ticking = 0; counted = 0; now_sent = 0 }
  od
}

active proctype Network() {
  /* It may stay here for ever: a cycle before the network heals is not one without progress. */
progress_not_yet:
  d_step { healed = 1; quiet = 0; counts = 0; requests = 0; now_sent = 0; end_sent = 0; requested = 0 }
}
