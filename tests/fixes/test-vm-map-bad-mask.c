/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vm_map refuses a mask with holes, and leaves the map's lock as it was.
 */

#include <syscalls.h>
#include <testlib.h>

#include <mach/mach_types.h>
#include <mach/vm_inherit.h>
#include <mach/vm_prot.h>

#include <mach.user.h>

int main(int argc, char *argv[], int envc, char *envp[])
{
  vm_address_t address = 0;
  int err;

  err = vm_map(mach_task_self(), &address, vm_page_size, 0x55555555, TRUE,
               MACH_PORT_NULL, 0, FALSE, VM_PROT_DEFAULT, VM_PROT_ALL,
               VM_INHERIT_DEFAULT);
  ASSERT(err == KERN_NO_SPACE, "vm_map with a mask with holes");

  err = vm_allocate(mach_task_self(), &address, vm_page_size, TRUE);
  ASSERT_RET(err, "vm_allocate");
  *(volatile int *)address = 1;
  err = vm_deallocate(mach_task_self(), address, vm_page_size);
  ASSERT_RET(err, "vm_deallocate");
  return 0;
}
