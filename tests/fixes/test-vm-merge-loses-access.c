/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Of two regions without access, one is to be wired when it becomes
 * accessible.  That they are merged meanwhile must not change which.
 */

#include <syscalls.h>
#include <testlib.h>

#include <mach/mach_types.h>
#include <mach/vm_inherit.h>
#include <mach/vm_prot.h>

#include <gnumach.user.h>
#include <mach.user.h>
#include <mach_host.user.h>

/* Enough of them to tell from what the kernel wires by itself.  */
#define PAGES 256

/* Memory that touches no other that it could be merged with.  */
static vm_address_t allocate_apart(vm_size_t size)
{
  vm_address_t room;
  int err;

  err = vm_allocate(mach_task_self(), &room, size + 2 * vm_page_size, TRUE);
  ASSERT_RET(err, "vm_allocate");
  err = vm_deallocate(mach_task_self(), room, size + 2 * vm_page_size);
  ASSERT_RET(err, "vm_deallocate");
  room += vm_page_size;
  err = vm_allocate(mach_task_self(), &room, size, FALSE);
  ASSERT_RET(err, "vm_allocate");
  return room;
}

static int wired_pages(void)
{
  vm_statistics_data_t statistics;
  int err = vm_statistics(mach_task_self(), &statistics);
  ASSERT_RET(err, "vm_statistics");
  return statistics.wire_count;
}

/* How many pages are wired by making one half accessible, where one half,
   perhaps the other, is to be wired.  */
static int wired_by_access(bool wire_first, bool access_first)
{
  vm_size_t size = PAGES * vm_page_size;
  vm_address_t region, half[2];
  int err, before, after;

  region = allocate_apart(2 * size);
  half[0] = region;
  half[1] = region + size;

  /* All of it is in one object after this.  */
  err = vm_wire(mach_host_self(), mach_task_self(), region, 2 * size,
                VM_PROT_DEFAULT);
  ASSERT_RET(err, "vm_wire all");
  err = vm_wire(mach_host_self(), mach_task_self(), region, 2 * size,
                VM_PROT_NONE);
  ASSERT_RET(err, "vm_wire of nothing");

  err = vm_wire(mach_host_self(), mach_task_self(), half[!wire_first], size,
                VM_PROT_DEFAULT);
  ASSERT_RET(err, "vm_wire");
  err = vm_protect(mach_task_self(), region, 2 * size, FALSE, VM_PROT_NONE);
  ASSERT_RET(err, "vm_protect none");
  err = vm_inherit(mach_task_self(), half[1], size, VM_INHERIT_COPY);
  ASSERT_RET(err, "vm_inherit");

  before = wired_pages();
  err = vm_protect(mach_task_self(), half[!access_first], size, FALSE,
                   VM_PROT_DEFAULT);
  ASSERT_RET(err, "vm_protect default");
  after = wired_pages();
  err = vm_wire(mach_host_self(), mach_task_self(), region, 2 * size,
                VM_PROT_NONE);
  ASSERT_RET(err, "vm_wire of nothing");
  err = vm_deallocate(mach_task_self(), region, 2 * size);
  ASSERT_RET(err, "vm_deallocate");
  printf("%s half to be wired, %s half accessible: %d pages more are wired\n",
         wire_first ? "first" : "second", access_first ? "first" : "second",
         after - before);
  return after - before;
}

int main(int argc, char *argv[], int envc, char *envp[])
{
  for (int wire_first = 0; wire_first < 2; wire_first++)
    for (int access_first = 0; access_first < 2; access_first++)
      {
        bool wired = wired_by_access(wire_first, access_first) > PAGES / 2;
        ASSERT(wired == (wire_first == access_first), "the wrong half");
      }
  return 0;
}
