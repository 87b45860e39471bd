# What every collector stands on: sections on standard output, privileges, time limits, and the facts of the machine itself.
# POSIX sh: runs under dash, bash, mksh and busybox. It writes no file, not even a temporary one.
# The settings privilege (least, root or none), sudo and path are assigned before this text.
# shellcheck shell=sh

LC_ALL=C
privilege=${privilege:-least} sudo=${sudo:-sudo}
PATH=${path:-/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin:/opt/zimbra/common/sbin:/usr/pkg/sbin:/usr/pkg/bin}
export LC_ALL PATH
unset MAIL_CONFIG ENV BASH_ENV LD_PRELOAD SSH_ASKPASS SUDO_ASKPASS
set -f
umask 077

max_section=8388608
sections=0
privileges=''
newline='
'
unit=$(printf '\037') # separates what capture brings back; a command that prints it only confuses its own answer

# mksh has no printf of its own, and the kernel limits the arguments of the other; print is its builtin.
case ${KSH_VERSION-} in
*MIRBSD*)
    # shellcheck disable=SC3041 # mksh alone comes here
    set +U # lengths in bytes
    emit() { print -rn -- "$1"; }
    ;;
*) emit() { printf %s "$1"; } ;;
esac

# locate NAME: sets `found` to the absolute path of a command, which sudoers wants. Fails when there is none.
locate() {
    found=''
    old_ifs=$IFS
    IFS=:
    for place in $PATH; do
        if [ -f "$place/$1" ] && [ -x "$place/$1" ]; then
            found=$place/$1
            break
        fi
    done
    IFS=$old_ifs
    [ -n "$found" ]
}

# limited COMMAND...: for at most 20 seconds, where timeout(1) is. An old busybox wants its seconds otherwise: then the deadline of the
# whole scan remains.
limited() { "$@"; }
if locate timeout && { [ ! -h "$found" ] || timeout 5 true 2>/dev/null; }; then
    limited() { timeout 20 "$@"; }
fi

# capture COMMAND...: sets out, err and status. No temporary file: standard output flows through, standard error is held and added.
# NUL bytes are dropped by the shell: what may hold them comes through file_text.
capture() {
    answer=$(
        {
            said=$("$@" 2>&1 >&9 9>&-)
            code=$?
            emit "$unit$said$unit$code"
        } 9>&1
    )
    status=${answer##*"$unit"}
    answer=${answer%"$unit"*}
    err=${answer##*"$unit"}
    out=${answer%"$unit"*}
    answer=''
}

# conceal: a filter for standard error, where commands repeat lines of files. A collector that meets secrets brings its own.
conceal() { "$cat"; }

# frame NAME: one section of what capture left.
frame() {
    [ -z "$err" ] || err=$(emit "$err$newline" | conceal)
    if [ "$status" = 124 ]; then
        missing "$1" 'it took more than 20 seconds'
        out=''
    elif [ "${#out}" -gt "$max_section" ]; then
        missing "$1" 'it is larger than 8 MiB'
        out=''
    else
        send "$1" "$status" "$out" "$err"
    fi
}

# send NAME STATUS OUT ERR: each name once; two settings may name the same file. Lengths are in bytes, because of LC_ALL.
sent=$newline
block=''
send() {
    case $sent in
    *"$newline$1$newline"*) return 0 ;;
    esac
    sent=$sent$1$newline
    block="$block@ $2 ${#3} ${#4} $1$newline$3$4$newline"
    sections=$((sections + 1))
    [ "${#block}" -lt 300000 ] || flush
}

# flush: what was sent so far goes out under one checksum.
flush() {
    sum=$(emit "$block" | cksum 2>/dev/null)
    case $sum in
    *[0-9]' '[0-9]*) ;;
    *) sum=- ;;
    esac
    emit "$block@sum ${sum%% *} ${#block}$newline"
    block=''
}

# missing NAME REASON
missing() { send "$1" missing "$2" ''; }

# text NAME TEXT: a section that the script itself wrote.
text() { send "$1" 0 "$2" ''; }

# section NAME COMMAND...: runs it as the login user.
section() {
    section_name=$1
    shift
    capture "$@"
    frame "$section_name"
}

# may WHETHER COMMAND...: how a command that may need root is run. WHETHER the login user may run it alone: yes or no.
# Sets how (plain, sudo or refused) and notes it for the sudoers lines.
may() {
    alone=$1
    shift
    command_line=$*
    if [ "$alone" = yes ] || [ "$user_id" = 0 ]; then
        how=plain
    elif allowed; then
        how=sudo
    else
        how=refused
    fi
    case $privileges in
    *" $command_line$newline"*) ;;
    *) privileges="$privileges$how $command_line$newline" ;;
    esac
    refusal="$user_name may not read it, and $why_no_sudo. Allow this command: $command_line"
}

# Whether a rule of `sudo -l` covers command_line without a password. Asking sudo itself for what it does not allow would be logged,
# and on Debian mailed to root.
allowed() {
    old_ifs=$IFS
    IFS=$newline
    for rule in $sudo_rules; do
        # shellcheck disable=SC2254 # a rule is a pattern
        case $command_line in
        $rule)
            IFS=$old_ifs
            return 0
            ;;
        esac
    done
    IFS=$old_ifs
    return 1
}

# as_decided COMMAND...: runs it the way that may found.
as_decided() {
    case $how in
    plain)
        case $1 in
        */cat | */openssl | */stat) "$@" ;; # on regular files; they cannot wait for anything
        *) limited "$@" ;;
        esac
        ;;
    sudo) limited "$sudo" -n "$@" ;;
    *) return 126 ;;
    esac
}

# privileged WHETHER COMMAND...: capture, through sudo where the login user may not. Fails, with the reason in `refusal`.
privileged() {
    may "$@"
    shift
    out=''
    [ "$how" = refused ] && return 1
    capture as_decided "$@"
    refused_by_sudo || return 0
    out=''
    return 1
}

# Whether what capture left is sudo's own answer, not the command's.
refused_by_sudo() {
    [ "$how" = sudo ] && [ "$status" != 0 ] || return 1
    case $err in
    sudo:* | sudo-rs:* | *"$newline"sudo:* | Sorry,* | "I'm sorry"*) ;;
    *) return 1 ;;
    esac
    privileges="${privileges%"sudo $command_line$newline"*}refused $command_line$newline${privileges##*"sudo $command_line$newline"}"
    refusal="$user_name may not read it, and sudo refuses. Allow this command: $command_line"
}

# privileged_section NAME WHETHER COMMAND...
privileged_section() {
    section_name=$1
    shift
    if privileged "$@"; then frame "$section_name"; else missing "$section_name" "$refusal"; fi
}

# readable PATH: sets `alone`, whether the login user may read the file without help.
readable() {
    if [ -r "$1" ]; then alone=yes; else alone=no; fi
}

# file_text NAME PATH FILTER...: a section with a file, read through a filter on the server. A NUL byte arrives as byte 377 (octal):
# the shell would drop it. The filter ends with status 3 when the text is too large.
file_text() {
    section_name=$1
    file=$2
    shift 2
    out=''
    case $file in
    */../* | */./* | *//* | */.ssh/* | /proc/* | /sys/* | /dev/* | /root/* | /etc/shadow* | /etc/gshadow* | /etc/sudoers* | /etc/master.passwd* | /etc/spwd*)
        missing "$section_name" 'a configuration names it, but no mail server keeps its files there: it is not read'
        return 0
        ;;
    esac
    if [ -e "$file" ] && [ ! -f "$file" ]; then
        missing "$section_name" 'it is not a regular file'
        return 0
    fi
    readable "$file"
    if [ ! -e "$file" ] && directory_seen "$file"; then
        missing "$section_name" 'there is no such file'
        return 0
    fi
    may "$alone" "$cat" "$file"
    if [ "$how" = refused ]; then
        missing "$section_name" "$refusal"
        return 0
    fi
    capture through_filter "$@"
    if [ "$status" = 3 ]; then
        missing "$section_name" 'it is larger than 8 MiB'
    elif [ -n "$err" ] && [ -z "$out" ]; then
        status=1
        if refused_by_sudo; then missing "$section_name" "$refusal"; else missing "$section_name" "$err"; fi
    else
        frame "$section_name"
    fi
}

through_filter() {
    if [ "$how" = plain ]; then
        head -c 8388610 <"$file" | tr '\000' '\377' | "$@"
    else
        as_decided "$cat" "$file" | head -c 8388610 | tr '\000' '\377' | "$@"
    fi
}

# directory_seen PATH: whether the login user could see a file there, were there one.
directory_seen() {
    parent=${1%/*}
    [ -x "${parent:-/}" ]
}

# want PATH: adds it, and every directory above it, to what states will look at.
wanted=$newline
links=''
want() {
    place=$1
    while [ -n "$place" ]; do
        case $wanted in
        *"$newline$place$newline"*) break ;;
        esac
        wanted=$wanted$place$newline
        if [ -h "$place" ]; then links="${links}link $place$newline"; fi
        place=${place%/*}
    done
}

# states NAME: one section with the owner, mode, size and time of all wanted files, in one call.
# Those that the login user cannot see are asked for one by one through sudo.
states() {
    states_name=$1
    old_ifs=$IFS
    IFS=$newline
    stat_option=-c stat_format=%f/%u/%U/%g/%G/%s/%Y/%n
    # shellcheck disable=SC2086 # one word per line
    capture "$stat" -L "$stat_option" "$stat_format" -- / ${wanted#"$newline"}
    case $out in
    *[0-9a-f]/*) ;;
    *) # BSD
        stat_option=-f stat_format=%Xp/%u/%Su/%g/%Sg/%z/%m/%N
        # shellcheck disable=SC2086 # one word per line
        capture "$stat" -L "$stat_option" "$stat_format" -- / ${wanted#"$newline"}
        ;;
    esac
    IFS=$old_ifs
    case $out in
    *[0-9a-f]/*) ;;
    *)
        missing "$states_name" "there is no stat command that we know: $err"
        return 0
        ;;
    esac
    answers=$out refusals='' denied=''
    if [ -n "$err" ]; then
        # stat: cannot statx '/x': Permission denied (GNU), stat: can't stat '/x': … (busybox), stat: /x: stat: … (BSD)
        refusals=$(emit "$err" | sed "s/^.*'\(\/.*\)': /\1: /; s/^stat: \(\/.*\): stat: /\1: /")
        denied=$(emit "$refusals" | sed -n 's/: Permission denied$//p')
    fi
    IFS=$newline
    for place in $denied; do
        IFS=$old_ifs
        if privileged no "$stat" -L "$stat_option" "$stat_format" -- "$place"; then
            answers=$answers$out
        else
            refusals="$refusals$newline$place: $refusal"
        fi
    done
    IFS=$old_ifs
    status=0 out=$answers$links err=$refusals
    frame "$states_name"
    wanted=$newline links=''
}

# ---- the machine

machine() {
    os=''
    # /etc/os-release is shell; it is read, not run.
    if [ -r /etc/os-release ]; then
        while IFS='=' read -r key value; do
            [ "$key" = PRETTY_NAME ] && os=$value
        done </etc/os-release
    fi
    case $os in
    \"* | \'*)
        os=${os#?}
        os=${os%?}
        ;;
    esac
    container=none
    if [ -e /.dockerenv ]; then
        container=docker
    elif [ -e /run/.containerenv ]; then
        container=podman
    elif [ -r /proc/1/cgroup ]; then
        while read -r line; do
            case $line in
            *docker* | *kubepods* | *containerd* | *lxc*) container=yes ;;
            esac
        done </proc/1/cgroup
    fi
    text host/system "system=$system${newline}release=$release${newline}machine=$machine${newline}os=$os${newline}hostname=$node
user=$user_name${newline}uid=$user_id${newline}container=$container$newline"
}

# Without root the sockets are there, but not the programs behind them.
sockets() {
    privileged no "$1" -ltnp && return 0
    capture limited "$1" -ltn
    err=$err$refusal$newline
}

listening() {
    if locate ss; then
        sockets "$found"
        shown='# ss -ltnp'
    elif locate netstat; then
        case $system in
        Linux) sockets "$found" ;;
        *) capture limited "$found" -an ;;
        esac
        shown='# netstat -ltnp'
    elif [ -r /proc/net/tcp ]; then
        capture cat /proc/net/tcp /proc/net/tcp6
        shown='# cat /proc/net/tcp /proc/net/tcp6'
    else
        missing host/listening 'there is neither ss nor netstat nor /proc/net/tcp'
        return 0
    fi
    out=$shown$newline$out
    frame host/listening
}

# first_that_works NAME COMMAND|COMMAND...: the answer of the first of these commands that ends with 0.
first_that_works() {
    section_name=$1
    shift
    for line in "$@"; do
        # shellcheck disable=SC2086 # our own words
        capture $line
        if [ "$status" = 0 ]; then
            out="# $line$newline$out"
            frame "$section_name"
            return 0
        fi
    done
    missing "$section_name" "none of these commands works: $*"
}

# The commands in the answer of `sudo -l` that need no password, one a line, as shell patterns. Later rules win over earlier ones.
# shellcheck disable=SC2016 # awk's dollars
rules_of_sudo='
/^ +\(/ {
    tag = "PASSWD"; runas = $0; sub(/^ +\(/, "", runas); sub(/[:)].*/, "", runas); gsub(/ /, "", runas)
    if (("," runas ",") !~ /,(ALL|root),/) next
    if ($0 ~ /[ ,:]!/) next
    sub(/^ +\([^)]*\) */, "")
    gsub(/\\,/, "\001")
    n = split($0, words, /, */)
    for (i = 1; i <= n; i++) {
        word = words[i]
        while (match(word, /^[A-Z_]+: */)) {
            if (word ~ /^(NO)?PASSWD:/) tag = substr(word, 1, index(word, ":") - 1)
            word = substr(word, RLENGTH + 1)
        }
        gsub(/\001/, ",", word); gsub(/\\:/, ":", word); gsub(/\\=/, "=", word)
        if (word == "ALL") { count = 0; if (tag == "NOPASSWD") rule[++count] = "*"; continue }
        if (tag == "NOPASSWD" && word ~ /^\//) { rule[++count] = word; if (word !~ / /) rule[++count] = word " *" }
    }
}
END { for (i = 1; i <= count; i++) print rule[i] }
'

# Finds out, without sudo logging or mailing a refusal, whether it can be of use.
look_at_sudo() {
    if ! locate "$sudo" && [ ! -x "$sudo" ]; then
        why_no_sudo='there is no sudo'
        return 0
    fi
    why_no_sudo="sudo allows $user_name nothing without a password"
    # About running something as oneself sudo answers without a password and without a complaint.
    locate true
    case $(limited "$sudo" -n -u "$user_name" -l "$found" 2>&1) in
    *'may not run sudo'*) return 0 ;;
    "$found") # everything is allowed to this user, most likely for a password: only a file of the administrator would say otherwise
        drop_ins=$(ls /etc/sudoers.d 2>&1) && case $drop_ins in
        '' | README) return 0 ;;
        esac
        ;;
    esac
    capture limited "$sudo" -n -l
    case $err in
    *'password is required'*) return 0 ;;
    esac
    if [ "$status" != 0 ]; then
        why_no_sudo="sudo answers: ${err##*"$newline"}" # it wants a terminal, it is broken, …
        return 0
    fi
    sudo_rules=$(emit "$out" | awk "$rules_of_sudo")
    [ -z "$sudo_rules" ] || why_no_sudo='sudo does not allow it without a password'
}

# uid=1000(auditor) gid=…
identity=$(id)
identity=${identity%% *}
identity=${identity#uid=}
user_id=${identity%%[!0-9]*}
user_name=${identity#*"("} # the number itself, where there is no name
user_name=${user_name%")"}
# The order of the answer is fixed, whatever the order of the options. A node name has no blanks.
identity=$(uname -s -n -r -m)
system=${identity%% *}
identity=${identity#* }
node=${identity%% *}
identity=${identity#* }
release=${identity%% *}
machine=${identity##* }
sudo_rules=''
why_no_sudo='its scan may not call sudo'
if [ "$privilege" = least ] && [ "$user_id" != 0 ]; then look_at_sudo; fi

locate cat
cat=${found:-cat}
locate stat
stat=${found:-stat}
