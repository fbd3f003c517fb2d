/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A page whose pager reports an error cannot be read, wired or not.
 */

#include <syscalls.h>
#include <testlib.h>

#include <mach/mach_types.h>
#include <mach/memory_object.h>
#include <mach/vm_inherit.h>
#include <mach/vm_prot.h>

#include <gnumach.user.h>
#include <mach.user.h>
#include <mach_host.user.h>
#include <mach_port.user.h>

/* What the messages of memory_object.defs have in common.  */
struct request
{
  mach_msg_header_t head;
  mach_msg_type_t control_type;
  union
  {
    mach_port_t name;
    vm_offset_t size;
  } control;
  mach_msg_type_t offset_type;
  vm_offset_t offset;
  char rest[256];
};

#define MEMORY_OBJECT_INIT 2200
#define MEMORY_OBJECT_DATA_REQUEST 2203

static mach_port_t object;

static void pager(void *arg)
{
  struct request request;
  int err;

  while (1)
    {
      err = mach_msg(&request.head, MACH_RCV_MSG, 0, sizeof request, object,
                     MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL);
      ASSERT_RET(err, "mach_msg");
      switch (request.head.msgh_id)
        {
        case MEMORY_OBJECT_INIT:
          err = memory_object_ready(request.control.name, FALSE,
                                    MEMORY_OBJECT_COPY_NONE);
          ASSERT_RET(err, "memory_object_ready");
          break;
        case MEMORY_OBJECT_DATA_REQUEST:
          err = memory_object_data_error(request.control.name, request.offset,
                                         vm_page_size, KERN_FAILURE);
          ASSERT_RET(err, "memory_object_data_error");
          break;
        }
    }
}

int main(int argc, char *argv[], int envc, char *envp[])
{
  vm_address_t page = 0;
  vm_offset_t copy;
  mach_msg_type_number_t n;
  int err;

  err = mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_RECEIVE, &object);
  ASSERT_RET(err, "mach_port_allocate");
  err = mach_port_insert_right(mach_task_self(), object, object,
                               MACH_MSG_TYPE_MAKE_SEND);
  ASSERT_RET(err, "mach_port_insert_right");
  test_thread_start(mach_task_self(), pager, 0);
  err = vm_map(mach_task_self(), &page, vm_page_size, 0, TRUE, object, 0,
               FALSE, VM_PROT_READ, VM_PROT_READ, VM_INHERIT_COPY);
  ASSERT_RET(err, "vm_map");

  err = vm_read(mach_task_self(), page, vm_page_size, &copy, &n);
  ASSERT(err == KERN_MEMORY_ERROR, "vm_read");
  /* That it cannot be wired either is for another test.  */
  err = vm_wire(mach_host_self(), mach_task_self(), page, vm_page_size,
                VM_PROT_READ);
  printf("vm_wire: %s\n", e2s(err));
  err = vm_read(mach_task_self(), page, vm_page_size, &copy, &n);
  ASSERT(err == KERN_MEMORY_ERROR, "vm_read of a wired page");
  return 0;
}
