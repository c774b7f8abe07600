#!/usr/bin/env python3
"""Makes link libraries whose functions look for NVIDIA's own at their first call: lazy.py FOLDER

A program that is linked with libcuda.so itself does not start where there is no driver. Each function in these archives is a jump through a
pointer; the first call fills the pointer by dlopen and dlsym (lazy.c). Linux, x86-64, System V calling convention. The names of the functions
are read from the bindings of the crate cudarc, so none of NVIDIA's libraries is needed.
"""

import pathlib
import re
import subprocess
import sys

# The name to link with: the module of the bindings, and the files to look for.
LIBRARIES = {
    "cuda": ("driver", ["libcuda.so.1"]),
    "cublas": ("cublas", ["libcublas.so.13", "libcublas.so.12"]),
    "cublasLt": ("cublaslt", ["libcublasLt.so.13", "libcublasLt.so.12"]),
    "curand": ("curand", ["libcurand.so.10"]),
    "nvrtc": ("nvrtc", ["libnvrtc.so.13", "libnvrtc.so.12"]),
    "cudnn": ("cudnn", ["libcudnn.so.9"]),
}

# Registers that may hold arguments are kept, the pointer is filled, and the call goes on as if nothing had been between.
ENTER = """.section .note.GNU-stack,"",@progbits
.section .text.lazy_{library},"ax",@progbits
.type lazy_{library}_enter,@function
lazy_{library}_enter: # r11: the address of the pointer, which the function's name follows
 .cfi_startproc
 pushq %rbp
 movq %rsp,%rbp
 andq $-16,%rsp
 subq $192,%rsp
{keep}
 leaq .Lfiles_{library}(%rip),%rdi
 leaq .Lhandle_{library}(%rip),%rsi
 movq 8(%r11),%rdx
 call polyptych_lazy_resolve
 movq 56(%rsp),%r11
 movq %rax,0(%r11)
{restore}
 leave
 jmp *(%r11)
 .cfi_endproc
.section .rodata.lazy_{library},"a",@progbits
.Lfiles_{library}:
{files}
 .byte 0
.section .bss.lazy_{library},"aw",@nobits
 .balign 8
.Lhandle_{library}: .zero 8
"""

FUNCTION = """.section .text.lazy.{name},"ax",@progbits
.globl {name}
.hidden {name}
.type {name},@function
{name}: leaq .Lpointer_{name}(%rip),%r11
 cmpq $0,(%r11)
 je lazy_{library}_enter
 jmp *(%r11)
.section .data.rel.lazy.{name},"aw",@progbits
 .balign 8
.Lpointer_{name}: .quad 0, .Lname_{name}
.section .rodata.lazy.{name},"a",@progbits
.Lname_{name}: .asciz "{name}"
"""

WHOLE = ["rdi", "rsi", "rdx", "rcx", "r8", "r9", "rax", "r11"]


def assembly(library: str, files: list[str], names: list[str]) -> str:
    keep = [f" movq %{name},{8 * i}(%rsp)" for i, name in enumerate(WHOLE)]
    keep += [f" movups %xmm{i},{64 + 16 * i}(%rsp)" for i in range(8)]
    restore = [f" movq {8 * i}(%rsp),%{name}" for i, name in enumerate(WHOLE[:-1])]
    restore += [f" movups {64 + 16 * i}(%rsp),%xmm{i}" for i in range(8)]
    enter = ENTER.format(
        library=library,
        keep="\n".join(keep),
        restore="\n".join(restore),
        files="\n".join(f' .asciz "{file}"' for file in files),
    )
    return enter + "".join(FUNCTION.format(library=library, name=name) for name in names)


def main() -> None:
    folder = pathlib.Path(sys.argv[1])
    here = pathlib.Path(__file__).resolve().parent
    crates = sorted((pathlib.Path.home() / ".cargo/registry/src").glob("*/cudarc-*/src"))
    if not crates:
        sys.exit("the crate cudarc is not here; run cargo fetch")
    resolve = folder / "lazy.o"
    subprocess.check_call(["gcc", "-O2", "-fPIC", "-c", "-o", resolve, here / "lazy.c"])
    for library, (module, files) in LIBRARIES.items():
        bindings = (crates[-1] / module / "sys/mod.rs").read_text()
        names = sorted(set(re.findall(r'load::<_F>\("(\w+)"\)', bindings)))
        if not names:
            sys.exit(f"no functions of {library} in {crates[-1]}")
        text, code, archive = (folder / f"lib{library}.{ending}" for ending in ("s", "o", "a"))
        text.write_text(assembly(library, files, names))
        subprocess.check_call(["gcc", "-c", "-o", code, text])
        archive.unlink(missing_ok=True)
        subprocess.check_call(["ar", "rcs", archive, code, resolve])
        print(f"{library}: {len(names)} functions", file=sys.stderr)


main()
