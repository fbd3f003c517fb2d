/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A page is wired, made inaccessible, and made accessible again, which merges
 * its entry with the next one.  What is counted as wired then must be wired:
 * unwiring finds out.
 */

#include <syscalls.h>
#include <testlib.h>

#include <mach/mach_types.h>
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
  vm_address_t region, second;
  int err;

  region = allocate_apart(3 * vm_page_size);
  second = region + vm_page_size;

  /* The port that any task has will do.  */
  err = vm_wire(mach_host_self(), mach_task_self(), second, vm_page_size,
                VM_PROT_DEFAULT);
  ASSERT_RET(err, "vm_wire");
  err = vm_protect(mach_task_self(), second, vm_page_size, FALSE,
                   VM_PROT_NONE);
  ASSERT_RET(err, "vm_protect none");
  err = vm_protect(mach_task_self(), second, vm_page_size, FALSE,
                   VM_PROT_DEFAULT);
  ASSERT_RET(err, "vm_protect default");
  err = vm_wire(mach_host_self(), mach_task_self(), second, 2 * vm_page_size,
                VM_PROT_NONE);
  ASSERT_RET(err, "vm_wire of nothing");

  err = vm_deallocate(mach_task_self(), region, 3 * vm_page_size);
  ASSERT_RET(err, "vm_deallocate");
  return 0;
}
