#include "transport/reception_monitor.h"

#include <gtest/gtest.h>

namespace hawser::transport {
namespace {

using Grade = ReceptionMonitor::Grade;

// `count` numbers from `next` on of which each `every`-th does not arrive (0: all arrive). Returns
// how often the grade changed.
int receive(ReceptionMonitor& monitor, uint64_t& next, uint64_t count, uint64_t every) {
  int changes = 0;
  for (const uint64_t end = next + count; next < end; next++) {
    if (every != 0 && next % every == 0) continue;
    changes += monitor.on_packet(next) ? 1 : 0;
  }
  return changes;
}

TEST(ReceptionMonitor, ACleanPathStaysClean) {
  ReceptionMonitor monitor;
  uint64_t next = 1'000'000;
  EXPECT_EQ(receive(monitor, next, 10'000, 0), 0);
  EXPECT_EQ(monitor.grade(), Grade::kClean);
  EXPECT_DOUBLE_EQ(monitor.loss(), 0);
}

TEST(ReceptionMonitor, MeasuresWhatIsMissing) {
  ReceptionMonitor monitor;
  uint64_t next = 1;
  receive(monitor, next, 20'000, 10);
  EXPECT_NEAR(monitor.loss(), 0.1, 0.03);
  EXPECT_EQ(monitor.grade(), Grade::kPoor);
  receive(monitor, next, 20'000, 100);
  EXPECT_NEAR(monitor.loss(), 0.01, 0.006);
  receive(monitor, next, 20'000, 0);
  EXPECT_EQ(monitor.grade(), Grade::kClean);
}

TEST(ReceptionMonitor, SaysAChangeOnce) {
  ReceptionMonitor monitor;
  uint64_t next = 1;
  receive(monitor, next, 640, 0);
  EXPECT_EQ(receive(monitor, next, 20'000, 10), 1);
  // Down again over fair.
  EXPECT_EQ(receive(monitor, next, 20'000, 0), 2);
}

TEST(ReceptionMonitor, ALossAtTheBorderDoesNotFlicker) {
  ReceptionMonitor monitor;
  uint64_t next = 1;
  receive(monitor, next, 6'400, 50);
  EXPECT_LE(receive(monitor, next, 64'000, 50), 2);
}

TEST(ReceptionMonitor, WhatComesLateHasArrived) {
  // By one, and by as much as may be late anywhere in an interval.
  for (const uint64_t late : {1, 20, 64}) {
    ReceptionMonitor monitor;
    for (uint64_t n = 1; n < 50'000; n += 2 * late) {
      for (uint64_t i = 0; i < late; i++) monitor.on_packet(n + late + i);
      for (uint64_t i = 0; i < late; i++) monitor.on_packet(n + i);
    }
    EXPECT_DOUBLE_EQ(monitor.loss(), 0) << "late by " << late;
    EXPECT_EQ(monitor.grade(), Grade::kClean);
  }
}

TEST(ReceptionMonitor, WhatComesLateAmongLossesIsToldFromThem) {
  ReceptionMonitor monitor;
  uint64_t held = 0;
  for (uint64_t n = 1; n < 50'000; n++) {
    if (n % 20 == 0) continue;  // lost
    if (n % 10 == 5 && held == 0) {
      held = n;
      continue;
    }
    monitor.on_packet(n);
    if (held != 0 && n >= held + 30) {
      monitor.on_packet(held);
      held = 0;
    }
  }
  EXPECT_NEAR(monitor.loss(), 0.05, 0.02);
}

TEST(ReceptionMonitor, AGapOfManyIntervalsIsOneMeasurement) {
  ReceptionMonitor monitor;
  uint64_t next = 1;
  receive(monitor, next, 640, 0);
  next += 6'400;
  receive(monitor, next, 10, 0);
  // Weighed like any other, however long it was.
  EXPECT_GT(monitor.loss(), 0.2);
  EXPECT_LE(monitor.loss(), 0.25);
}

TEST(ReceptionMonitor, AnyNumberIsTaken) {
  ReceptionMonitor monitor;
  monitor.on_packet(5);
  monitor.on_packet(uint64_t{1} << 61);
  EXPECT_GT(monitor.loss(), 0.99);
  EXPECT_LE(monitor.loss(), 1);
  for (uint64_t n = 6; n < 1'000; n++) monitor.on_packet(n);
  EXPECT_GE(monitor.loss(), 0);
  uint64_t next = (uint64_t{1} << 61) + 1;
  receive(monitor, next, 20'000, 0);
  EXPECT_EQ(monitor.grade(), Grade::kClean);
}

}  // namespace
}  // namespace hawser::transport
