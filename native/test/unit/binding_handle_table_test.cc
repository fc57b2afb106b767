// The binding's handle tables; they need no JS.

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "binding/handle_table.h"

namespace hawser::binding {
namespace {

struct Entry {
  int value;
};

TEST(HandleTable, GivesSmallNumbersFromOne) {
  HandleTable<Entry> table;
  for (int i = 1; i <= 1000; i++) EXPECT_EQ(table.add({i * 10}), i);
  EXPECT_EQ(table.size(), 1000);
  for (int i = 1; i <= 1000; i++) {
    ASSERT_NE(table.get(i), nullptr);
    EXPECT_EQ(table.get(i)->value, i * 10);
  }
}

TEST(HandleTable, KnowsWhatNobodyHas) {
  HandleTable<Entry> table;
  EXPECT_EQ(table.get(0), nullptr);
  EXPECT_EQ(table.get(1), nullptr);
  const int32_t handle = table.add({1});
  for (const int64_t wrong : {int64_t{-1}, int64_t{0}, int64_t{handle} + 1, int64_t{1} << 40}) {
    EXPECT_EQ(table.get(wrong), nullptr);
  }
  table.remove(handle);
  EXPECT_EQ(table.get(handle), nullptr);
  EXPECT_EQ(table.size(), 0);
  table.remove(handle);  // a second time is no harm
  EXPECT_EQ(table.size(), 0);
}

TEST(HandleTable, ReusesNumbersLateAndNeverWhileTheyAreHeld) {
  HandleTable<Entry> table;
  std::vector<bool> held(4096, false);
  std::vector<int32_t> handles;
  int32_t largest = 0;
  uint32_t luck = 1;
  for (int i = 0; i < 20'000; i++) {
    luck = luck * 1664525 + 1013904223;
    if (handles.size() < 50 && (handles.empty() || (luck >> 16) % 2 == 0)) {
      const int32_t handle = table.add({i});
      ASSERT_GT(handle, 0);
      ASSERT_LT(handle, 4096);
      ASSERT_FALSE(held[static_cast<size_t>(handle)]);
      held[static_cast<size_t>(handle)] = true;
      handles.push_back(handle);
      largest = std::max(largest, handle);
    } else {
      const size_t which = (luck >> 20) % handles.size();
      held[static_cast<size_t>(handles[which])] = false;
      table.remove(handles[which]);
      handles.erase(handles.begin() + static_cast<std::ptrdiff_t>(which));
    }
  }
  EXPECT_LT(largest, 200);  // they stay small

  // A number that was just released is not the next one given.
  const int32_t released = table.add({0});
  table.remove(released);
  for (int i = 0; i < 16; i++) EXPECT_NE(table.add({i}), released);
}

TEST(NumberList, PushTruncateAndDropFront) {
  NumberList list;
  EXPECT_TRUE(list.empty());
  list.drop_front(0);
  for (int i = 0; i < 200; i++) ASSERT_TRUE(list.push(i));
  list.drop_front(150);
  ASSERT_EQ(list.size(), 50u);
  EXPECT_EQ(list[0], 150);
  list.truncate(1);
  EXPECT_EQ(list.size(), 1u);
  EXPECT_EQ(list[0], 150);
  list.clear();
  EXPECT_TRUE(list.empty());
}

}  // namespace
}  // namespace hawser::binding
