/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Wired memory is wired still when something was copied onto it.
 */

#include <syscalls.h>
#include <testlib.h>

#include <mach/mach_types.h>
#include <mach/vm_prot.h>

#include <gnumach.user.h>
#include <mach.user.h>
#include <mach_host.user.h>

/* Enough of them to tell from what the kernel wires by itself.  */
#define PAGES 256

static int wired_pages(void)
{
  vm_statistics_data_t statistics;
  int err = vm_statistics(mach_task_self(), &statistics);
  ASSERT_RET(err, "vm_statistics");
  return statistics.wire_count;
}

static int *word(vm_address_t region, int page)
{
  return (int *) (region + page * vm_page_size);
}

int main(int argc, char *argv[], int envc, char *envp[])
{
  vm_size_t size = PAGES * vm_page_size;
  vm_address_t from, to;
  int err, before, lost;

  err = vm_allocate(mach_task_self(), &from, size, TRUE);
  ASSERT_RET(err, "vm_allocate");
  err = vm_allocate(mach_task_self(), &to, size, TRUE);
  ASSERT_RET(err, "vm_allocate");
  for (int page = 0; page < PAGES; page++)
    {
      *word(from, page) = page + 1;
      *word(to, page) = -1;
    }

  err = vm_wire(mach_host_self(), mach_task_self(), to, size, VM_PROT_DEFAULT);
  ASSERT_RET(err, "vm_wire");
  before = wired_pages();
  err = vm_copy(mach_task_self(), from, size, to);
  ASSERT_RET(err, "vm_copy");
  lost = before - wired_pages();
  printf("%d pages less are wired after vm_copy\n", lost);
  ASSERT(lost < PAGES / 2, "no longer wired");

  /* Both are memory of their own.  */
  for (int page = 0; page < PAGES; page++)
    {
      ASSERT(*word(to, page) == page + 1, "not copied");
      *word(to, page) = -2;
      ASSERT(*word(from, page) == page + 1, "shared with what was copied");
    }

  before = wired_pages();
  err = vm_wire(mach_host_self(), mach_task_self(), to, size, VM_PROT_NONE);
  ASSERT_RET(err, "vm_wire of nothing");
  lost = before - wired_pages();
  printf("%d pages less are wired after unwiring\n", lost);
  ASSERT(lost > PAGES / 2, "still wired");
  return 0;
}
