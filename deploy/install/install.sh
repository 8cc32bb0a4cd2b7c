# Puts a bundle into a folder of this node.  sh -s NONCE DIR NAME SHA256 FILES IDLE, and after "go" the compressed tar
#
# The whole of it is read before main runs (nothing may follow its call), and nothing of the bundle is sent before "go":
# so what comes on stdin after that is the bundle alone, although shells read ahead.
dir=$2 name=$3 want=$4 files=$5 idle=$6
newest=3 # bundles that stay, besides those that run
to=$dir/bundles/$name
stage=$dir/.stage-$nonce
new=$stage/new-$nonce
fail() { say fail "$@"; exit 1; }

# (Not "hash": that is an alias in some shells.)
if command -v sha256sum >/dev/null 2>&1; then digest() { sha256sum; }
elif command -v shasum >/dev/null 2>&1; then digest() { shasum -a 256; }
else digest() { openssl dgst -sha256; }
fi

# unpack writes stdin into the stage, and prints "unpacked" and the SHA-256 of the tar: the tar is hashed while it is
# unpacked, so nothing is left to do when its last byte arrives. Where there is no /dev/fd it takes two steps, and twice
# the space. tar: m = files are as new as this visit, o = they are ours.
unpack() {
	if [ "$({ echo ok | tee /dev/fd/3 >/dev/null; } 3>&1 2>/dev/null)" = ok ]; then
		{
			{
				feed | tee /dev/fd/3 | {
					cd "$new" && tar xmof - >/dev/null && cat >/dev/null && echo unpacked >&4
				}
			} 3>&1 | digest
		} 4>&1
	else
		feed >"$stage/tar" && digest <"$stage/tar" && (cd "$new" && tar xmof ../tar >/dev/null && echo unpacked)
		rm -f "$stage/tar"
	fi
}

# feed unpacks the compressed tar from descriptor 5. It is a process that guard knows, and no more than that: one that only
# copied cost a first visit some 50 ms.
feed() {
	gzip -dc <&5 &
	echo $! >"$stage/feed"
	wait $!
}

# guard ends feed when nothing came for IDLE seconds, and with it everything: to a line that is dead without a word,
# sshd and all of this would listen for hours. Where the system does not count what feed read, what was unpacked shows
# it; without du it ends nothing.
guard() {
	nap=
	trap '[ -z "$nap" ] || kill "$nap" 2>/dev/null; exit 0' 1 2 13 15
	before= still=0 step=$((idle / 10 + 1))
	while [ "$still" -lt "$idle" ]; do
		kill -0 "$$" || exit 0 # main was killed
		sleep "$step" &
		nap=$!
		wait "$nap"
		now=$({ read -r reader <"$stage/feed" && cat "/proc/$reader/io"; du -sk "$stage"; } 2>/dev/null) || now=
		if [ -n "$now" ] && [ "$now" = "$before" ]; then still=$((still + step)); else still=0; fi
		before=$now
	done
	read -r reader <"$stage/feed" && kill "$reader"
}

# whole: is the bundle there, with all its files? A cleaner of /tmp takes those that nobody read for long.
whole() {
	set -- "$to"/bin/* "$to"/lib/rbee/*
	[ -x "$to/bin/rbee-hive" ] && [ $# = "$files" ]
}

# sums prints those of the files of a bundle: a check against damage, for which what every system has is good enough.
sums() { (cd "$1" && cksum bin/* lib/rbee/*) 2>/dev/null; }

# sound: is it whole, and every file as it was unpacked? Of a bundle without sums nobody knows.
sound() {
	whole && { [ ! -f "$to/sums" ] || [ "$(sums "$to")" = "$(cat "$to/sums")" ]; }
}

# keep makes the sums of what was unpacked, and meanwhile brings it to the disk, so that a power cut does not leave a bundle
# of that name with holes. (That the name itself is lost does no harm: it is sent again.) Where sync takes no files it takes
# everything.
keep() {
	sync "$1"/bin/* "$1"/lib/rbee/* 2>/dev/null &
	files_kept=$!
	sums "$1" >"$1/sums"
	wait "$files_kept" && sync "$1" "$1"/bin "$1"/lib/rbee "$1/sums" 2>/dev/null || sync
}

# place: by one rename. Where two visits end at once, the later mv puts its folder inside the earlier one's: theirs is
# as good. A bundle that is not whole is completed in place, file by file: a hive may be running from it.
place() {
	if [ ! -d "$to" ]; then
		mv "$new" "$to"
		rm -rf "$to/${new##*/}"
	elif ! sound; then
		mkdir -p "$to/bin" "$to/lib/rbee" && mv -f "$new"/bin/* "$to/bin/" && mv -f "$new"/lib/rbee/* "$to/lib/rbee/" && mv -f "$new/sums" "$to/sums"
		sync "$to"/bin "$to"/lib/rbee "$to" 2>/dev/null || sync
	fi
	rm -f "$to/doubt"
}

# used NAME: does a process run from that bundle? Where there is no /proc: is it less than a week old?
used() {
	if [ -e "/proc/$$/exe" ] || [ -L "/proc/$$/exe" ]; then
		running=$(ls -l /proc/[0-9]*/exe 2>/dev/null)
		case $running in
		*"/$1/bin/"*) return 0 ;;
		*"/proc/$$/exe"*) return 1 ;; # the list is whole: we are on it
		esac
		return 0
	fi
	[ -z "$(find "$dir/bundles/$1" -prune -mtime +7 2>/dev/null)" ]
}

# prune deletes old bundles. Each is moved away first and looked at once more: a hive may have started just then.
prune() {
	seen=0
	for old in $(ls -t "$dir/bundles"); do
		case $old in
		*[!0-9a-f]*) continue ;; # not a bundle's folder
		esac
		[ ${#old} = 32 ] && [ -d "$dir/bundles/$old" ] || continue
		seen=$((seen + 1))
		[ "$seen" -gt "$newest" ] && [ "$old" != "$name" ] || continue
		if used "$old"; then continue; fi
		mkdir -p "$stage/old" && mv "$dir/bundles/$old" "$stage/old/" || continue
		if [ -d /proc/self ] && used "$old"; then mv "$stage/old/$old" "$dir/bundles/"; fi
	done
}

# sweep deletes what earlier visits left that were cut off: their shell is dead, or it was an hour ago.
sweep() {
	for left in "$dir"/.stage-*; do
		[ -d "$left" ] || continue
		if [ -f "$left/owner" ] && read -r pid host <"$left/owner" && [ "$host" = "$(uname -n)" ]; then
			kill -0 "$pid" 2>/dev/null || rm -rf "$left"
		elif [ -n "$(find "$left" -prune -mmin +60 2>/dev/null)" ]; then
			rm -rf "$left"
		fi
	done
}

main() {
	printf '\n' # the noise of login scripts may have ended without one
	why=$(mkdir -p "$dir/bundles" 2>&1) || fail write "${why%%
*}"
	# Probe looked too, but somebody may have been quicker since.
	private "$dir" || fail owner
	trap 'rm -rf "$stage"' 0
	trap 'exit 1' 1 2 13 15
	why=$({ mkdir "$stage" "$new" && echo "$$ $(uname -n)" >"$stage/owner"; } 2>&1) || fail write "${why%%
*}"
	sweep
	if sound; then
		rm -f "$to/doubt"
		say have
		exit 0
	fi
	exec 5<&0
	# With exec, because a shell may keep what it redirects for a function; the session would then not end without guard.
	(exec </dev/null >/dev/null 2>&1 5<&-; guard) &
	guard=$!
	trap 'kill "$guard" 2>/dev/null; rm -rf "$stage"' 0
	say go
	got=$(unpack)
	kill "$guard" 2>/dev/null
	case $got in
	*unpacked*) ;;
	*) fail unpack ;;
	esac
	case $got in
	*"$want"*) ;;
	*) fail hash ;;
	esac
	keep "$new"
	why=$(place 2>&1)
	whole || fail place "${why%%
*}"
	prune
	say done
	exit 0
}

main
