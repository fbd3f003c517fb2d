/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where all new memory is to be wired, memory next to some that was unwired
 * is new, too.
 */

#include <syscalls.h>
#include <testlib.h>

#include <mach/mach_types.h>
#include <mach/vm_prot.h>
#include <mach/vm_wire.h>

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

int main(int argc, char *argv[], int envc, char *envp[])
{
  vm_size_t size = PAGES * vm_page_size;
  vm_address_t region, next;
  int err, before;

  /* Somewhere with room on both sides.  */
  err = vm_allocate(mach_task_self(), &region, 3 * size, TRUE);
  ASSERT_RET(err, "vm_allocate");
  err = vm_deallocate(mach_task_self(), region, 3 * size);
  ASSERT_RET(err, "vm_deallocate");
  region += size;

  err = vm_wire_all(host_priv(), mach_task_self(), VM_WIRE_FUTURE);
  ASSERT_RET(err, "vm_wire_all");
  err = vm_allocate(mach_task_self(), &region, size, FALSE);
  ASSERT_RET(err, "vm_allocate");
  err = vm_wire(mach_host_self(), mach_task_self(), region, size,
                VM_PROT_NONE);
  ASSERT_RET(err, "vm_wire of nothing");
  for (int side = -1; side <= 1; side += 2)
    {
      before = wired_pages();
      next = region + side * size;
      err = vm_allocate(mach_task_self(), &next, size, FALSE);
      ASSERT_RET(err, "vm_allocate next to it");
      printf("%s: %d pages more are wired\n", side < 0 ? "in front" : "behind",
             wired_pages() - before);
      ASSERT(wired_pages() - before > PAGES / 2, "not wired");
    }
  err = vm_wire_all(host_priv(), mach_task_self(), VM_WIRE_NONE);
  ASSERT_RET(err, "vm_wire_all of nothing");
  return 0;
}
