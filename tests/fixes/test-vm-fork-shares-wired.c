/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A wired page that is a part of its object is shared with a new task, and
 * stored to.  It must still be wired, and shared.
 */

#include <syscalls.h>
#include <testlib.h>

#include <mach/mach_types.h>
#include <mach/vm_inherit.h>
#include <mach/vm_prot.h>

#include <gnumach.user.h>
#include <mach.user.h>
#include <mach_host.user.h>

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
  vm_address_t region, second, scratch;
  vm_offset_t copy;
  mach_msg_type_number_t n;
  task_t child;
  int err;

  err = vm_allocate(mach_task_self(), &scratch, vm_page_size, TRUE);
  ASSERT_RET(err, "vm_allocate");
  *(volatile int *)scratch = 22;
  region = allocate_apart(2 * vm_page_size);
  second = region + vm_page_size;
  err = vm_inherit(mach_task_self(), region, 2 * vm_page_size,
                   VM_INHERIT_SHARE);
  ASSERT_RET(err, "vm_inherit");
  *(volatile int *)region = 1;
  err = vm_wire(mach_host_self(), mach_task_self(), second, vm_page_size,
                VM_PROT_DEFAULT);
  ASSERT_RET(err, "vm_wire");
  *(volatile int *)second = 2;

  err = task_create(mach_task_self(), TRUE, &child);
  ASSERT_RET(err, "task_create");
  ASSERT(*(volatile int *)second == 2, "wrong contents");
  err = vm_write(mach_task_self(), second, scratch, vm_page_size);
  ASSERT_RET(err, "vm_write");
  ASSERT(*(volatile int *)second == 22, "wrong contents");
  err = vm_read(child, second, vm_page_size, &copy, &n);
  ASSERT_RET(err, "vm_read");
  ASSERT(*(volatile int *)copy == 22, "not shared");

  err = vm_wire(mach_host_self(), mach_task_self(), second, vm_page_size,
                VM_PROT_NONE);
  ASSERT_RET(err, "vm_wire of nothing");
  err = task_terminate(child);
  ASSERT_RET(err, "task_terminate");
  err = vm_deallocate(mach_task_self(), region, 2 * vm_page_size);
  ASSERT_RET(err, "vm_deallocate");
  return 0;
}
