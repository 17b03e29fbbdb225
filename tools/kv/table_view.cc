#include "tools/kv/table_view.h"

#include <utility>

#include "proto/check.h"

namespace troupe::kv {

// An entry that a view kept, or that was made since it began, has its number. A number comes again
// after 65,535 views, so the walk clears those that it passes.
table_view::table_view(table& of) : table_(&of) {
  TROUPE_CHECK(of.view_ == nullptr, "a table has one view at a time");
  if (++of.views_ == 0) ++of.views_;
  number_ = of.views_;
  of.view_ = this;
}

table_view::~table_view() {
  if (table_ != nullptr) table_->view_ = nullptr;
  table::destroy(taken_);
}

void table_view::keep(table::entry& e, std::string value) {
  kept_bytes_ += e.key.size() + value.size();
  kept_.push_back({e.key, std::move(value)});
  e.view = number_;
}

void table_view::take_over() {
  taken_bits_ = table_->bits_;
  taken_.swap(table_->buckets_);
  table_->view_ = nullptr;
  table_ = nullptr;
}

void table_view::next_bucket() {
  const int rest = 48 - bits();
  cursor_ = ((cursor_ >> rest) + 1) << rest;
}

}  // namespace troupe::kv
