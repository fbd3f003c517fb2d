/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A vm_protect that merges the first entry of its range into the one in front
 * of it must not go on with that entry, which is free.
 */

#include <syscalls.h>
#include <testlib.h>

#include <mach/mach_types.h>
#include <mach/vm_prot.h>

#include <gnumach.user.h>
#include <mach.user.h>
#include <mach_host.user.h>

#define PAGES 5

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

int main(int argc, char *argv[], int envc, char *envp[])
{
  vm_address_t region, page[PAGES];
  vm_statistics_data_t before, after;
  int err;

  region = allocate_apart(PAGES * vm_page_size);
  for (int i = 0; i < PAGES; i++)
    {
      page[i] = region + i * vm_page_size;
      *(volatile int *)page[i] = i + 1;
    }
  err = vm_statistics(mach_task_self(), &before);
  ASSERT_RET(err, "vm_statistics");

  /* The copies are adjacent pages of one object; the last is to be wired.  */
  err = vm_wire(mach_host_self(), mach_task_self(), page[4], vm_page_size,
                VM_PROT_DEFAULT);
  ASSERT_RET(err, "vm_wire");
  err = vm_copy(mach_task_self(), page[2], 2 * vm_page_size, page[3]);
  ASSERT_RET(err, "vm_copy");
  /* Nothing changes, but the last two are merged if they agree.  */
  err = vm_protect(mach_task_self(), page[4], vm_page_size, TRUE, VM_PROT_ALL);
  ASSERT_RET(err, "vm_protect");
  for (int i = 0; i < PAGES; i++)
    ASSERT(*(volatile int *)page[i] == (i < 3 ? i + 1 : i), "wrong contents");

  err = vm_wire(mach_host_self(), mach_task_self(), region,
                PAGES * vm_page_size, VM_PROT_NONE);
  ASSERT_RET(err, "vm_wire of nothing");
  err = vm_deallocate(mach_task_self(), region, PAGES * vm_page_size);
  ASSERT_RET(err, "vm_deallocate");
  err = vm_statistics(mach_task_self(), &after);
  ASSERT_RET(err, "vm_statistics");
  printf("wired pages: %d before, %d after\n", before.wire_count,
         after.wire_count);
  return 0;
}
