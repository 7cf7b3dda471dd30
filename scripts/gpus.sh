# shellcheck shell=bash
# Sourced by the scripts for GPU boxes, after environment.sh.
#
#   gpus             the numbers of the GPUs that may be used, a line each
#   freest_gpu       the one of them with the most free memory

# CUDA's numbers are nvidia-smi's then; by itself it counts the fastest GPU first.
export CUDA_DEVICE_ORDER=PCI_BUS_ID

gpus() {
    command -v nvidia-smi >/dev/null ||
        fail "no nvidia-smi: this machine has no NVIDIA driver; on a CPU: nmt train"
    local listed
    listed=$(nvidia-smi --query-gpu=index --format=csv,noheader 2>&1) ||
        fail "nvidia-smi finds no usable GPU: ${listed%%$'\n'*}"
    if [[ -n ${CUDA_VISIBLE_DEVICES-} ]]; then
        tr ',' '\n' <<<"$CUDA_VISIBLE_DEVICES"
    else
        echo "$listed"
    fi
}

freest_gpu() {
    local listed gpu free all=
    listed=$(gpus) || exit
    for gpu in $listed; do
        free=$(nvidia-smi --id="$gpu" --query-gpu=memory.free --format=csv,noheader,nounits) ||
            fail "nvidia-smi does not answer for GPU $gpu${CUDA_VISIBLE_DEVICES:+ (CUDA_VISIBLE_DEVICES is $CUDA_VISIBLE_DEVICES)}: ${free%%$'\n'*}"
        all+="$free $gpu"$'\n'
    done
    sort -rn <<<"$all" | head -n 1 | cut -d ' ' -f 2
}
