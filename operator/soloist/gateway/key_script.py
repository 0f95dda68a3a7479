"""How the keys that a user gives become the file that Envoy follows.

 Secret, mounted          memory of the pod              Envoy
 shop: <key>     ──script──▶ api-keys.json ──watched──▶ lets in
 depot: <key>

A person writes one plain value for each client, and no file of Envoy's. Nobody but the pod sees the values: the operator,
which could write that file as well, would have to read Secrets for it. bash can do it by itself, and is in the image
already (`gateway.drain`).
"""

from __future__ import annotations

import shlex

from soloist.gateway.filters import API_KEYS_FILE
from soloist.gateway.keys import render_keys

LOOK_SECONDS = 1
_SCRIPT = """\
LC_ALL=C
shopt -s dotglob nullglob
umask 077
trap 'exit 0' TERM INT
given={given}
written={written}
before={before}
between={between}
after={after}
plain='^[]!#-[^-~]+$'

refuse() {{
  printf 'The key of client %s is left out: %s\\n' "$1" "$2"
}}

render() {{
  local file client key credentials=
  local -A known=()
  for file in *; do
    [[ -f $file ]] || continue
    client=$file key=
    if IFS= read -r -d '' key <"$file"; then
      key=
    fi
    key=${{key%$'\\n'}}
    key=${{key%$'\\r'}}
    if [[ ! $key =~ $plain ]]; then
      refuse "$client" 'it is empty, or holds a space, a quote, a backslash or a sign beyond ASCII. Write another.'
    elif [[ -n ${{known["=$key"]-}} ]]; then
      refuse "$client" "client ${{known["=$key"]}} has the same. Write another."
    else
      known["=$key"]=$client
      credentials+="${{credentials:+,}}{{\\"client\\":\\"$client\\",\\"key\\":\\"$key\\"}}"
    fi
  done
  printf '%s%s%s%s%s' "$before" "$credentials" "$between" "$EPOCHREALTIME" "$after" >"$written/.{file}" \\
    && mv -f "$written/.{file}" "$written/{file}" \\
    && printf 'Clients with a key: %s\\n' "${{#known[@]}}"
}}

seen=
while :; do
  # The kubelet changes a mounted Secret by pointing this link to another folder.
  if cd -P "$given/..data" 2>/dev/null && [[ $PWD != "$seen" ]]; then
    here=$PWD
    render && seen=$here
  fi
  # Not from within: the kubelet takes the folder away.
  cd /
  sleep {pause}
done
"""


def key_script(given: str, written: str) -> tuple[str, ...]:
    """The command that renders the Secret mounted at `given` into the folder `written`, now and after each change.

    The file appears whole, by renaming. A value that can't be a key, or that two clients share, is left out and told in
    the log; the others still count.
    """
    script = _SCRIPT.format(
        given=shlex.quote(given),
        written=shlex.quote(written),
        file=API_KEYS_FILE,
        pause=LOOK_SECONDS,
        **{name: shlex.quote(part) for name, part in _template().items()},
    )
    return ("bash", "-c", script)


def is_rendered(written: str) -> tuple[str, ...]:
    """The command that succeeds once the file is there: Envoy starts after that."""
    return ("bash", "-c", f"[[ -s {shlex.quote(f'{written}/{API_KEYS_FILE}')} ]]")


def _template() -> dict[str, str]:
    """The file as `gateway.keys` writes it, cut where the script fills in."""
    text = render_keys({})
    version = text.split('"version_info": "')[1].split('"')[0]
    before, rest = text.split('"credentials": []')
    between, after = rest.split(version)
    return {"before": f'{before}"credentials": [', "between": f"]{between}", "after": after}
