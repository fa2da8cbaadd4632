# Starts and stops a throw-away PostgreSQL on loopback, as a user that is not root. To be sourced.

as_postgres() {
  if [[ $(id -u) -eq 0 ]]; then setpriv --reuid=postgres --regid=postgres --clear-groups -- env HOME=/tmp "$@"; else "$@"; fi
}

# start_postgres FOLDER [SETTING=VALUE…]: exports MADOGUCHI_TEST_POSTGRES; the folder must be empty.
start_postgres() {
  local folder=$1 port setting options=
  shift
  pg_bin=$(dirname "$(compgen -G '/usr/lib/postgresql/*/bin/initdb' | sort -V | tail -n 1)")
  mkdir -p "$folder"
  [[ $(id -u) -eq 0 ]] && chown postgres:postgres "$folder"
  as_postgres "$pg_bin/initdb" -D "$folder/data" -U madoguchi -A trust -E UTF8 --locale=C.UTF-8 --no-sync >"$folder.initdb.log" 2>&1 ||
    { cat "$folder.initdb.log"; return 1; }
  port=$(node -e 'const s=require("net").createServer().listen(0,"127.0.0.1",()=>{console.log(s.address().port);s.close()})')
  for setting in "$@"; do options+=" -c $setting"; done
  as_postgres "$pg_bin/pg_ctl" -D "$folder/data" -w -t 60 -l "$folder/log" \
    -o "-p $port -c listen_addresses=127.0.0.1 -c unix_socket_directories=$folder -c max_connections=300 -c shared_buffers=64MB$options" start >/dev/null ||
    { cat "$folder/log"; return 1; }
  cluster=$folder/data
  export MADOGUCHI_TEST_POSTGRES="postgres://madoguchi@127.0.0.1:$port/postgres"
  export MADOGUCHI_TEST_POSTGRES_PID
  MADOGUCHI_TEST_POSTGRES_PID=$(head -n 1 "$cluster/postmaster.pid")
}

stop_postgres() {
  [[ -n ${cluster:-} ]] && as_postgres "$pg_bin/pg_ctl" -D "$cluster" -m immediate -w stop >/dev/null 2>&1
  cluster=
}
