workflow=$1 server=${2#http://} out=$3 text=$4 seed=$5
at="--host ${server%:*} --port ${server#*:}"
export COMFY_HOST=${server%:*} COMFY_PORT=${server#*:}

# The job.
set -e
comfy workflow set-slot "$workflow" "$text=a fox" "$seed=7" $at
id=$(comfy --json run --workflow "$workflow" --wait $at | grep -o '"prompt_id": "[^"]*"' | head -1 | cut -d'"' -f4)
comfy download "$id" --out-dir "$out"
