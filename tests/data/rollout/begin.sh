# Sourced by the pages about rollouts: a quay with a splitter, the harbour's plan in force, a change with its ticket.
# LOSES is how many of its bookings the new version loses, 0 to 1; NOTIFY a line of the plan.
mkdir -p ../quay
cp "$DATA"/rollout/quay.py "$DATA"/rollout/split ../quay/
echo 0 > ../quay/weight
cp config/berths.yaml ../quay/
PORT=$(python -c 'import socket; s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1])')
(cd ../quay && exec python quay.py "$PORT" "${LOSES:-0}") > ../quay/log 2>&1 &
QUAY=$!
trap 'kill $QUAY' EXIT
rm -rf .interlock
git switch --quiet main
mkdir -p rollouts
{ sed "s/PORT/$PORT/g" "$DATA"/rollout/harbour.yaml; printf '%s\n' "${NOTIFY:-}"; } > rollouts/harbour.yaml
git add rollouts && git commit --quiet --message "Plan how the harbour goes out"
interlock rules genesis --key ~/.ssh/ana > /dev/null
interlock rules genesis --key ~/.ssh/ben > /dev/null
git switch --quiet --create wider-berths
sed -i 's/length_m: 120/length_m: 140/' config/berths.yaml
printf -- '---\nplan: Say that a berth is 140 m long.\nfailure_modes:\n  - bookings drop\nrollback_steps:\n  - the file from before\nrequired_tests:\n  - tests/berths\ncanary: {first_stage_percent: 5, bake_minutes: 15, metric: berths}\n---\n' > change.md
git add change.md && git commit --quiet --message "Longer berths"
git commit --quiet --all --message "Longer berths" || true
export INTERLOCK_CHANGE=$(interlock change open --title "Longer berths" --base main 2> /dev/null)
interlock approve --key ~/.ssh/ana > /dev/null
interlock approve --key ~/.ssh/ben > /dev/null
interlock gate --ticket-file ticket.json > gate.txt
