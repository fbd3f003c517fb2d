/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is refused, or asked of an empty range, leaves the map's entries as
 * they are.
 */

#include <syscalls.h>
#include <testlib.h>

#include <mach/mach_types.h>
#include <mach/vm_inherit.h>
#include <mach/vm_prot.h>
#include <mach_debug/vm_info.h>

#include <gnumach.user.h>
#include <mach.user.h>
#include <mach_debug.user.h>
#include <mach_host.user.h>
#include <mach_port.user.h>

#define PAGES 4

static vm_address_t start;

static void check(const char *after)
{
  vm_region_info_t region;
  mach_port_t object;
  int err;

  err = mach_vm_region_info(mach_task_self(), start, &region, &object);
  ASSERT_RET(err, "mach_vm_region_info");
  if (object != MACH_PORT_NULL)
    mach_port_deallocate(mach_task_self(), object);
  printf("after %s: %lu pages\n", after,
         (unsigned long)((region.vri_end - region.vri_start) / vm_page_size));
  ASSERT(region.vri_start <= start
         && region.vri_end >= start + PAGES * vm_page_size,
         "the entry was clipped");
}

int main(int argc, char *argv[], int envc, char *envp[])
{
  vm_address_t page;
  int err;

  err = vm_map(mach_task_self(), &start, PAGES * vm_page_size, 0, TRUE,
               MACH_PORT_NULL, 0, FALSE, VM_PROT_READ, VM_PROT_READ,
               VM_INHERIT_NONE);
  ASSERT_RET(err, "vm_map");
  page = start + vm_page_size;
  check("vm_map");

  err = vm_wire(mach_host_self(), mach_task_self(), page, vm_page_size,
                VM_PROT_DEFAULT);
  ASSERT(err == KERN_NO_SPACE, "vm_wire for writing");
  check("vm_wire");
  err = vm_wire(mach_host_self(), mach_task_self(), page, 0, VM_PROT_READ);
  ASSERT_RET(err, "vm_wire of an empty range");
  check("vm_wire of an empty range");
  err = vm_protect(mach_task_self(), page, vm_page_size, FALSE,
                   VM_PROT_DEFAULT);
  ASSERT(err == KERN_PROTECTION_FAILURE, "vm_protect for writing");
  check("vm_protect");
  err = vm_protect(mach_task_self(), page, 0, FALSE, VM_PROT_READ);
  ASSERT_RET(err, "vm_protect of an empty range");
  check("vm_protect of an empty range");
  return 0;
}
