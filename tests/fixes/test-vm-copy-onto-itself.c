/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Shared pages are copied onto themselves, and back to where they came from.
 */

#include <syscalls.h>
#include <testlib.h>

#include <mach/mach_types.h>
#include <mach/vm_inherit.h>

#include <mach.user.h>

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
  vm_address_t page[2];
  task_t child;
  int err;

  page[0] = allocate_apart(2 * vm_page_size);
  page[1] = page[0] + vm_page_size;
  *(volatile int *)page[0] = 1;
  *(volatile int *)page[1] = 2;
  err = vm_inherit(mach_task_self(), page[0], 2 * vm_page_size,
                   VM_INHERIT_SHARE);
  ASSERT_RET(err, "vm_inherit");
  err = task_create(mach_task_self(), TRUE, &child);
  ASSERT_RET(err, "task_create");

  printf("onto itself\n");
  err = vm_copy(mach_task_self(), page[0], vm_page_size, page[0]);
  ASSERT_RET(err, "vm_copy");
  ASSERT(*(volatile int *)page[0] == 1, "wrong contents");
  printf("there\n");
  err = vm_copy(mach_task_self(), page[0], vm_page_size, page[1]);
  ASSERT_RET(err, "vm_copy");
  ASSERT(*(volatile int *)page[1] == 1, "wrong contents");
  *(volatile int *)page[1] = 3;
  printf("and back\n");
  err = vm_copy(mach_task_self(), page[1], vm_page_size, page[0]);
  ASSERT_RET(err, "vm_copy");
  ASSERT(*(volatile int *)page[0] == 3, "wrong contents");

  err = task_terminate(child);
  ASSERT_RET(err, "task_terminate");
  return 0;
}
