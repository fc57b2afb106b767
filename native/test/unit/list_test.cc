#include "transport/list.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "test/support/test_random.h"

namespace hawser::transport {
namespace {

struct Item {
  int value = 0;
  ListHook<Item> hook;
  ListHook<Item> other_hook;
};
using Items = List<Item, &Item::hook>;

std::vector<int> values_of(const Items& list) {
  std::vector<int> values;
  for (Item* item = list.front(); item != nullptr; item = Items::next(item)) {
    values.push_back(item->value);
  }
  return values;
}

TEST(List, IsFirstInFirstOut) {
  Item items[3];
  Items list;
  EXPECT_TRUE(list.empty());
  EXPECT_EQ(list.pop_front(), nullptr);
  for (int i = 0; i < 3; i++) {
    items[i].value = i;
    list.push_back(&items[i]);
    EXPECT_TRUE(Items::linked(&items[i]));
  }
  EXPECT_EQ(list.size(), 3u);
  for (int i = 0; i < 3; i++) {
    EXPECT_EQ(list.pop_front(), &items[i]);
    EXPECT_FALSE(Items::linked(&items[i]));
  }
  EXPECT_TRUE(list.empty());
}

TEST(List, PushingTwiceAndRemovingTwiceDoNothing) {
  Item a;
  Item b;
  Items list;
  list.push_back(&a);
  list.push_back(&b);
  list.push_back(&a);  // keeps its place
  EXPECT_EQ(list.size(), 2u);
  EXPECT_EQ(list.front(), &a);
  list.remove(&a);
  list.remove(&a);
  EXPECT_EQ(list.size(), 1u);
  EXPECT_EQ(list.front(), &b);
  list.remove(&b);
  EXPECT_TRUE(list.empty());
}

TEST(List, OneItemCanBeOnTwoLists) {
  Item a;
  Items list;
  List<Item, &Item::other_hook> other;
  list.push_back(&a);
  other.push_back(&a);
  list.remove(&a);
  EXPECT_EQ(other.front(), &a);
  EXPECT_EQ(other.pop_front(), &a);
}

TEST(List, BehavesLikeASequence) {
  for (const uint64_t seed : test::test_seeds(20)) {
    SCOPED_TRACE(test::seed_trace(seed));
    test::TestRandom random(seed);
    Item items[12];
    for (int i = 0; i < 12; i++) items[i].value = i;
    Items list;
    std::vector<int> model;
    for (int step = 0; step < 1000; step++) {
      const int which = static_cast<int>(random.below(12));
      const auto found = std::find(model.begin(), model.end(), which);
      switch (random.below(3)) {
        case 0:
          list.push_back(&items[which]);
          if (found == model.end()) model.push_back(which);
          break;
        case 1:
          list.remove(&items[which]);
          if (found != model.end()) model.erase(found);
          break;
        default:
          if (Item* first = list.pop_front(); first != nullptr) {
            ASSERT_EQ(first->value, model.front());
            model.erase(model.begin());
          } else {
            ASSERT_TRUE(model.empty());
          }
      }
      ASSERT_EQ(values_of(list), model);
      ASSERT_EQ(list.size(), model.size());
    }
  }
}

}  // namespace
}  // namespace hawser::transport
