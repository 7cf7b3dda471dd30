# shellcheck shell=bash
# Sourced by the other scripts: stands in the project's root, with its own Python.
#
#   install_project [EXTRAS]    puts nmt, with for instance '[dev]', into .venv
#   install_for_this_machine    the same, with CUDA's libraries where there is a GPU
#   run_program NAME [WORDS]    becomes scripts/NAME, where the user stands
#
# $here is where the user stands: what paths on the command line are relative to.
#
# The packages come from wherever pip is configured to look.

here=$PWD
unset CDPATH # or `cd scripts/..` may be elsewhere, and say so
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit

fail() {
    echo "$(basename "$0"): $*" >&2
    exit 1
}

find_python() {
    local candidate
    for candidate in ${PYTHON:+"$PYTHON"} python3 python3.13 python3.12 python3.11; do
        # Run, not only found: a version manager's stand-in may have nothing behind it.
        if "$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' \
            2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    fail "needs Python 3.11, 3.12 or 3.13; install one, or name it: PYTHON=/path/to/python3.12 $0"
}

install_project() {
    local extras=${1:-} python installed
    # Keeps the pyproject.toml that was installed last.
    local stamp=.venv/installed$extras
    local enough=("$stamp")
    [[ -n $extras ]] || enough+=(.venv/installed*) # with extras is more than without
    for installed in "${enough[@]}"; do
        if cmp -s pyproject.toml "$installed"; then
            PATH=$PWD/.venv/bin:$PATH
            return
        fi
    done
    if [[ ! -x .venv/bin/pip ]]; then
        python=$(find_python)
        echo "Making .venv with $("$python" --version)" >&2
        "$python" -m venv .venv ||
            fail "$python cannot make a virtual environment; usual cause: a Debian or Ubuntu without python3-venv"
    fi
    echo "Installing nmt$extras into .venv (the first time: TensorFlow, about 2 GB)" >&2
    # pip compiles on one core. What does not compile is no module of this Python's.
    .venv/bin/pip install --quiet --no-compile --editable ".$extras"
    .venv/bin/python -m compileall -qq -j 0 .venv/lib || true
    cp pyproject.toml "$stamp"
    PATH=$PWD/.venv/bin:$PATH
}

install_for_this_machine() {
    if command -v nvidia-smi >/dev/null; then install_project '[gpu]'; else install_project; fi
}

run_program() {
    local program=$PWD/scripts/$1
    shift
    cd "$here" || exit
    exec python "$program" "$@"
}
