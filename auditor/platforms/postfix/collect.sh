# What is read on a Postfix host. On the shared prelude; the sections are described in collect.py. It only reads:
# `postfix check` is not here because it may create directories.
# shellcheck shell=sh

# ---- filters: what leaves the server. Comments are emptied, secrets become [redacted], every line keeps its number.
# shellcheck disable=SC2016 # awk's dollars
redact='
# Parameters whose value may be a secret: by their name, or because a password map refers to them ($names).
function is_secret(name) {
    name = tolower(name); sub(/^.*\//, "", name); sub(/^-o/, "", name)
    if (name == "header_address_token_limit") return 0
    return name ~ /passw|passphrase|secret|credential|token|api_?key|_pwd?$|^pwd?_/ || index(names, " " name " ") > 0
}
# A password map by its place is no secret; a map that holds the passwords itself is.
function is_place(word) { return word ~ /^((proxy:)?[a-z0-9_]+:)?[\/$]/ && word !~ /^(static|inline):/ }
function is_plain(value) { return value ~ /^[ \t]*(yes|no)?[ \t]*$/ }
function hidden(word) { return match(word, /^(static|inline):/) ? substr(word, 1, RLENGTH) "[redacted]" : "[redacted]" }
# NAME=VALUE, NAME = VALUE, where the name is one of a secret; inside braces the value ends with the brace.
function keyed(text, pattern,    done, word, start) {
    done = ""
    while (match(tolower(text), pattern)) {
        start = RSTART; word = substr(text, RSTART, RLENGTH); done = done substr(text, 1, start - 1); text = substr(text, start + RLENGTH)
        match(word, /=[ \t]*/); done = done substr(word, 1, RSTART + RLENGTH - 1) "[redacted]"
    }
    return done text
}
# Logins in URLs and in names of servers (inet:user:password@host), and what follows password= or --password, anywhere.
function scrub(text) {
    if (name ~ /^proxy_(read|write)_maps$/ && match(text, /inline:|static:[^*]/)) text = substr(text, 1, RSTART - 1) "[redacted]" # it repeats the other maps
    gsub(/--?[Pp][Aa][Ss][Ss][A-Za-z]*[ \t]+[^ \t]+/, "--password [redacted]", text)
    gsub(/:\/\/[^\/@ \t]*:[^\/@ \t]*@/, "://[redacted]@", text)
    gsub(/:[^:@\/ \t,{}]+:[^@\/ \t,{}][^@ \t,{}]*@/, ":[redacted]@", text)
    text = keyed(text, "[{][ \t]*[a-z0-9_]*" key "[a-z0-9]*[ \t]*=[^}]*")
    return keyed(text, key "[a-z0-9]*[ \t]*=[ \t]*[^ \t,{}]+")
}
# The same for a line of main.cf, whose value may go on: behind `{ password =` all the rest goes.
function scrub_line(text) {
    if (tolower(text) ~ ("([{][ \t]*[a-z0-9_]*" key "[a-z0-9]*[ \t]*(=[^}]*)?|" key "[a-z0-9]*[ \t]*=[ \t]*)$")) hiding = 1
    return scrub(text)
}
# The value of a secret parameter: places stay, the first other word and all behind it go.
function value_of(text,    done, word) {
    if (is_plain(text)) return text
    done = ""
    while (match(text, /[^ \t,]+/)) {
        word = substr(text, RSTART, RLENGTH)
        if (!is_place(word)) { hiding = 1; return scrub(done substr(text, 1, RSTART - 1)) hidden(word) }
        done = done substr(text, 1, RSTART + RLENGTH - 1); text = substr(text, RSTART + RLENGTH)
    }
    return scrub(done text)
}
function setting(line,    at) {
    if (line ~ /^[ \t]/) {
        if (hiding) return ""
        return secret ? value_of(line) : scrub_line(line)
    }
    hiding = 0; at = index(line, "="); name = substr(line, 1, at - 1); gsub(/[ \t]/, "", name)
    secret = is_secret(name)
    if (!at && is_secret(line)) { hiding = 1; return "[redacted]" } # Postfix would stop here
    return substr(line, 1, at) (secret ? value_of(substr(line, at + 1)) : scrub_line(substr(line, at + 1)))
}
# master.cf word by word, blanks kept. A secret in braces is hidden up to the brace that closes it.
function braces(word,    copy) { copy = word; return gsub(/\{/, "", copy) - gsub(/\}/, "", word) }
function service(line,    done, word, at, short) {
    if (line !~ /^[ \t]/) { hiding = 0; depth = 0; expect = 0; last = ""; before = ""; name = "" }
    done = ""
    while (match(line, /[^ \t]+/)) {
        word = substr(line, RSTART, RLENGTH)
        if (!hiding) done = done substr(line, 1, RSTART - 1)
        line = substr(line, RSTART + RLENGTH); depth += braces(word)
        if (hiding) { if (depth <= 0) { hiding = 0; depth = 0; done = done " }" }; continue }
        at = index(word, "="); short = word; sub(/^\{/, "", short)
        if (expect) { done = done "[redacted]"; expect = 0 }
        else if (last == "=" && is_secret(before) && !is_place(word) && !is_plain(word)) { done = done hidden(word); if (depth > 0) hiding = 1 }
        else if (at > 1 && is_secret(substr(short, 1, index(short, "=") - 1)) && !is_place(substr(word, at + 1)) && !is_plain(substr(word, at + 1))) {
            done = done substr(word, 1, at) hidden(substr(word, at + 1))
            if (depth > 0) hiding = 1; else if (word ~ /^\{/) done = done "}"
        }
        else { if (tolower(word) ~ /^--?(passw[a-z]*|secret|token|api-?key)$/) expect = 1; done = done scrub(word) }
        if (word != "=") before = short
        last = word
    }
    return hiding ? done : done line
}
# Postfix complains with the text of the line: `overriding earlier entry: NAME=VALUE`.
function complaint(line,    at) {
    if (line ~ /^(sudo|Sorry)|Allow this command: \//) return line
    if (match(line, /[A-Za-z0-9_\/]+ *=/)) {
        name = substr(line, RSTART, RLENGTH - 1); gsub(/ /, "", name); at = RSTART + RLENGTH
        hiding = 0
        if (mode == "strict" || line ~ /unused parameter: /) return is_plain(substr(line, at)) ? line : substr(line, 1, at - 1) "[redacted]"
        return is_secret(name) ? substr(line, 1, at - 1) value_of(substr(line, at)) : scrub(line)
    }
    if (tolower(line) ~ /passw|secret|static:|inline:/ && match(line, /: [^:]*$/)) return substr(line, 1, RSTART + 1) "[redacted]"
    return scrub(line)
}
function cyrus(line,    at) {
    at = index(line, ":")
    return at && tolower(substr(line, 1, at)) ~ /passw|_pw|pw_|secret|bindpw/ ? substr(line, 1, at) " [redacted]" : line
}
BEGIN { key = "(pass|pwd|secret|token|credential|bind_?pw|api_?key)" }
{ total += length($0) + 1; if (total > 8388608) exit 3 }
/^[ \t\r]*$/ { print; next } # it does not end the logical line
mode !~ /complaint|strict/ && /^[ \t]*#/ { print "#"; next }
mode == "setting" { print setting($0); next }
mode == "service" { print service($0); next }
mode == "complaint" || mode == "strict" { print complaint($0); next }
mode == "cyrus" { print cyrus($0); next }
{ print }
'

# The names that password maps with the password inside refer to (in `static:$user:$word`: user and word), and those that refer to secrets.
# shellcheck disable=SC2016 # awk's dollars
names_of_secrets='
/^[ \t]*(#|$)/ { next }
/^[^ \t]/ { at = index($0, "="); name = substr($0, 1, at - 1); gsub(/[ \t]/, "", name); lines[++count] = name " " substr($0, at + 1); next }
{ lines[count] = lines[count] " " $0 }
function add(name) { name = tolower(name); if (name != "" && !index(names, " " name " ")) names = names name " " }
END {
    names = " "
    for (round = 0; round < 4; round++)
        for (i = 1; i <= count; i++) {
            text = lines[i]; name = tolower(text); sub(/ .*/, "", name)
            secret = text ~ /passw[a-z_]*[ =]/ && text ~ /(static|inline):/ || index(names, " " name " ")
            while (match(text, /\$[({]?[A-Za-z0-9_]+/)) {
                other = tolower(substr(text, RSTART, RLENGTH)); gsub(/[^a-z0-9_]/, "", other); text = substr(text, RSTART + RLENGTH)
                if (secret) add(other)
                else if (index(names, " " other " ") || other ~ /passw|passphrase|secret|credential|token|api_?key|_pwd?$|^pwd?_/) add(name)
            }
        }
    print names
}
'

# What the settings name, from three answers of postconf, separated by lines that start with a control character: explicit settings
# (or main.cf), all expanded, those of services. Prints `table TYPE PATH`, `list PATH`, `secret TYPE PATH`, `certificate PATH`, `key PATH`,
# `path PATH`, `directory NAME PATH`, `sasl TYPE PATH`.
# shellcheck disable=SC2016 # awk's dollars
survey='
function say(line) { if (!(line in said)) { said[line] = 1; print line } }
function expand(text,    round, name, value, at) {
    for (round = 0; round < 50 && match(text, /\$[({]?[A-Za-z0-9_]+[)}]?/); round++) {
        name = substr(text, RSTART, RLENGTH); at = RSTART; gsub(/[^A-Za-z0-9_]/, "", name)
        value = name in plain ? plain[name] : ""
        text = substr(text, 1, at - 1) value substr(text, at + RLENGTH)
    }
    return text
}
function look(name, value,    words, n, i, word, type, at, listed) {
    if (name ~ /_tls_(ec|d)?cert_file$/ && value ~ /^\//) { say("certificate " value); return }
    if (name ~ /_tls_(ec|d)?key_file$/ && value ~ /^\//) { say("key " value); return }
    if (name ~ /_tls_chain_files$/) {
        n = split(value, words, /[ \t,]+/)
        for (i = 1; i <= n; i++) if (words[i] ~ /^\//) { say("key " words[i]); say("certificate " words[i]) }
        return
    }
    if (name ~ /cache|^address_verify_map$/) return # state of Postfix, not configuration
    listed = name ~ /^(mynetworks|relay_domains|mydestination)$|_domains$|_networks$|_exceptions$|_hosts$|_interfaces$|_users$|_clients$|_access_list$/
    n = split(value, words, /[ \t,{}]+/)
    for (i = 1; i <= n; i++) {
        word = words[i]; sub(/^!+/, "", word)
        while (word ~ /^(proxy|debug):/) sub(/^(proxy|debug):/, "", word)
        if (match(word, /^[a-z]+:\//)) {
            type = substr(word, 1, RLENGTH - 2); word = substr(word, RLENGTH)
            if (type !~ /^(hash|btree|lmdb|cdb|dbm|sdbm|texthash|cidr|regexp|pcre|mysql|pgsql|ldap|sqlite|memcache)$/) continue
            if (type ~ /^(mysql|pgsql|ldap|sqlite|memcache)$/ || name ~ /passw|^alias_|_checks$|secret|sasl_auth_cache/) { hide[word] = 1; say("secret " type " " word) }
            else table[++tables] = type " " word
        }
        else if (word ~ /^\// && listed) list[++lists] = word
        else if (word ~ /^\/[^ ]*[^\/]$/ && value !~ /\{/) say("path " word)
    }
}
/^\001/ { part++; next }
/^[ \t]*(#|$)/ { next }
/^[ \t]/ { if (part == 2 && count) plain[order[count]] = plain[order[count]] $0; next } # main.cf itself
{
    at = index($0, "="); if (!at) next
    name = substr($0, 1, at - 1); value = substr($0, at + 1); gsub(/[ \t]/, "", name); sub(/^[ \t]+/, "", value)
    if (part == 1) plain[name] = value
    else if (part == 2) { explicit[name] = 1; plain[name] = value; order[++count] = name }
    else if (part == 3) { plain[name] = value; expanded = 1 }
    else { service = name; sub(/^.*\//, "", name); override[++overrides] = name; text[overrides] = value }
}
END {
    for (i = 1; i <= count; i++) look(order[i], expanded ? plain[order[i]] : expand(plain[order[i]]))
    for (i = 1; i <= overrides; i++) look(override[i], expand(text[i]))
    n = split("alias_maps alias_database smtpd_tls_cert_file smtpd_tls_key_file smtp_tls_cert_file smtp_tls_key_file", words, " ")
    for (i = 1; i <= n; i++) if (!(words[i] in explicit)) look(words[i], expand(plain[words[i]]))
    for (i = 1; i <= tables; i++) { word = table[i]; sub(/^[a-z]+ /, "", word); type = table[i]; sub(/ .*/, "", type); say(word in hide ? "secret " type " " word : "table " table[i]) }
    for (i = 1; i <= lists; i++) if (!(list[i] in hide)) say("list " list[i])
    n = split("queue_directory data_directory daemon_directory command_directory meta_directory shlib_directory", words, " ")
    for (i = 1; i <= n; i++) { value = expand(plain[words[i]]); if (value ~ /^\//) print "directory " words[i] " " value }
    print "sasl " expand(plain["smtpd_sasl_type"]) " " expand(plain["smtpd_sasl_path"])
    for (i = 1; i <= overrides; i++) if (override[i] == "smtpd_sasl_path") say("sasl override " expand(text[i]))
    value = expand(plain["cyrus_sasl_config_path"]); if (value ~ /^\//) print "directory cyrus_sasl_config_path " value
}
'

# Settings of an instance that is not read yet may be secret by another name: then no value passes.
complaints=strict
conceal() { filtered "$complaints"; }

filtered() { awk -v mode="$1" -v names="$secret_names" "$redact"; }

# postconf_section NAME MODE OPTION...: an answer of postconf, redacted like the files that it repeats.
# Sets `answered`: whether postconf said all that it was asked for.
postconf_section() {
    answered=no
    postconf_name=$1
    mode=$2
    shift 2
    if [ -n "$refuses" ]; then
        missing "$postconf_name" "$refuses"
        out=''
        return 0
    fi
    if privileged "$configuration_readable" "$postconf" "$@"; then
        case $out in
        '') ;;
        *) out=$(emit "$out" | filtered "$mode"; emit .) out=${out%.} ;;
        esac
        [ "$status" != 0 ] || answered=yes
        frame "$postconf_name"
    else
        missing "$postconf_name" "$refusal"
    fi
}

# index_of TYPE PATH: sets `index`, the file that postmap makes of the source; empty for types without one.
index_of() {
    case $1 in
    hash | btree) index=$2.db ;;
    lmdb | cdb) index=$2.$1 ;;
    dbm | sdbm) index=$2.pag ;;
    *) index='' ;;
    esac
    [ -z "$index" ] || want "$index"
}

# index_section TYPE PATH: what an indexed table answers when its source does not tell.
index_section() {
    index_of "$1" "$2"
    [ -n "$index" ] && [ -e "$index" ] || return 0
    # shellcheck disable=SC3013 # -nt is in dash, bash, mksh and busybox
    if [ ! -e "$2" ] || [ "$2" -nt "$index" ]; then
        readable "$index"
        privileged_section "$prefix/index $1:$2" "$alone" "$postmap" -c "$directory" -s "$1:$2"
    fi
}

# openssl_section NAME SUBCOMMAND -in PATH OPTION...: never the key itself; -passin, so that nobody is asked for a passphrase.
openssl_section() {
    openssl_name=$prefix/$1
    shift
    if [ -z "$openssl" ]; then
        missing "$openssl_name" 'there is no openssl command on the host'
    elif [ -e "$3" ] && [ ! -f "$3" ]; then
        missing "$openssl_name" 'it is not a regular file'
    else
        readable "$3"
        privileged_section "$openssl_name" "$alone" "$openssl" "$@"
    fi
}

cyrus_sasl() {
    for place in $sasl_directory /etc/postfix/sasl /etc/sasl2 /etc/sasl /usr/lib/sasl2 /usr/lib64/sasl2 /usr/local/lib/sasl2 \
        "/usr/lib/$machine-linux-gnu/sasl2"; do
        if [ -e "$place/$1.conf" ]; then
            file_text "$prefix/file $place/$1.conf" "$place/$1.conf" filtered cyrus
            want "$place/$1.conf"
            for database in $(emit "$out" | sed -n 's/^sasldb_path: *//p'); do want "$database"; done
        fi
    done
    for place in /etc/sasldb2 /etc/sasl2/sasldb2 "$queue_directory/etc/sasldb2" /run/saslauthd/mux /var/run/saslauthd/mux \
        "$queue_directory/var/run/saslauthd/mux" "$queue_directory/run/saslauthd/mux"; do
        [ -e "$place" ] && want "$place"
    done
}

dovecot_sasl() {
    case $1 in
    inet:* | '') ;;
    unix:/* | /*) want "${1#unix:}" ;;
    *) want "$queue_directory/${1#unix:}" ;;
    esac
}

# named_files SURVEY: everything that the settings name, in the order of the survey.
named_files() {
    table_list=''
    queue_directory=/var/spool/postfix sasl_directory=''
    old_lines=$IFS
    IFS=$newline
    for line in $1; do
        IFS=$old_lines
        kind=${line%% *}
        line=${line#* }
        case $kind in
        table)
            want "${line#* }"
            table_list=$table_list$line$newline
            file_text "$prefix/file ${line#* }" "${line#* }" filtered table
            index_section "${line%% *}" "${line#* }"
            ;;
        list)
            want "$line"
            table_list="${table_list}file $line$newline"
            file_text "$prefix/file $line" "$line" filtered table
            ;;
        secret)
            want "${line#* }"
            table_list=$table_list$line$newline
            index_of "${line%% *}" "${line#* }"
            ;;
        certificate)
            want "$line"
            openssl_section "certificate $line" x509 -in "$line" -noout -passin pass: -text -fingerprint -sha256 -pubkey -nameopt RFC2253
            ;;
        key)
            want "$line"
            openssl_section "public-key $line" pkey -in "$line" -passin pass: -pubout
            ;;
        path) want "$line" ;;
        directory)
            want "${line#* }"
            case $line in
            queue_directory*) queue_directory=${line#* } ;;
            cyrus*) sasl_directory=${line#* } ;;
            command_directory*) for place in postdrop postqueue postlog sendmail; do want "${line#* }/$place"; done ;;
            esac
            ;;
        sasl)
            case $line in
            cyrus*) cyrus_sasl "${line#* }" ;;
            *) dovecot_sasl "${line#* }" ;;
            esac
            ;;
        esac
        IFS=$newline
    done
    IFS=$old_lines
}

whole() {
    readable "$1"
    may "$alone" "$cat" "$1"
    as_decided "$cat" "$1" 2>/dev/null
}

# instance DIRECTORY
instance() {
    directory=$1
    prefix="postfix[$directory]"
    text "$prefix/directory" "$directory$newline"
    want "$directory/main.cf"
    want "$directory/master.cf"
    configuration_readable=no
    if [ -r "$directory/main.cf" ] && [ -r "$directory/master.cf" ]; then configuration_readable=yes; fi
    secret_names=' '
    refuses=''
    if [ "$configuration_readable" = yes ]; then
        secret_names=$(awk "$names_of_secrets" "$directory/main.cf" "$directory/master.cf")
    else
        secret_names=$(for file in main.cf master.cf; do whole "$directory/$file"; done | awk "$names_of_secrets")
    fi
    file_text "$prefix/main.cf" "$directory/main.cf" filtered setting
    written=$out
    file_text "$prefix/master.cf" "$directory/master.cf" filtered service
    postconf_section "$prefix/postconf-n" setting -c "$directory" -n
    explicit=$out
    [ $answered = yes ] || explicit=$written # better than nothing: it names the files
    # A command of Postfix that gives up sleeps for a second first.
    case $status$err in
    [!0]*fatal:*) refuses="postconf cannot read the configuration: $err" ;;
    esac
    postconf_section "$prefix/postconf-x" setting -c "$directory" -x
    expanded=$out
    [ $answered = yes ] || expanded='' # a setting that refers to itself ends the answer half-way
    postconf_section "$prefix/postconf-P" setting -c "$directory" -P
    overrides=$out
    if [ $answered = yes ] && [ -z "$out" ]; then
        text "$prefix/postconf-Px" '' # there is nothing to expand
    else
        postconf_section "$prefix/postconf-Px" setting -c "$directory" -Px
        [ -z "$out" ] || overrides=$out
    fi
    mark=$(printf '\001')
    found_names=$(emit "$mark$newline$defaults$newline$mark$newline$explicit$newline$mark$newline$expanded$newline$mark$newline$overrides" | awk "$survey")
    named_files "$found_names"
    text "$prefix/tables" "$table_list"
    for place in active bounce corrupt defer deferred flush hold incoming maildrop pid private public saved trace; do
        [ -e "$queue_directory/$place" ] && want "$queue_directory/$place"
    done
    states "$prefix/files"
}

package() {
    if locate dpkg-query; then
        section postfix/package limited "$found" -W postfix
    elif locate apk; then
        section postfix/package limited "$found" info -v -e postfix
    elif locate rpm; then
        section postfix/package limited "$found" -q postfix
    elif locate pkg; then
        section postfix/package limited "$found" query '%n %v' postfix
    else
        missing postfix/package 'there is no package manager that we know'
    fi
}

postfix_host() {
    locate postconf && postconf=$found
    locate postmap && postmap=$found
    locate openssl && openssl=$found
    secret_names=' '
    configuration_readable=yes refuses=''
    section postfix/postconf-d "$postconf" -d
    defaults=$out
    package
    case $defaults in
    *"${newline}config_directory = /"*)
        configuration=${defaults#*"${newline}config_directory = "}
        configuration=${configuration%%"$newline"*}
        ;;
    *) configuration=/etc/postfix ;;
    esac
    readable "$configuration/main.cf"
    if locate postmulti; then
        privileged_section postfix/instances "$alone" "$found" -l
        [ "$status" = 0 ] || out=''
    else
        missing postfix/instances 'there is no postmulti command'
        out=''
    fi
    directories=''
    for word in $out; do
        case $word in
        /*) directories="$directories $word" ;;
        esac
    done
    if [ -z "$directories" ]; then
        # postmulti gives up when one instance is broken.
        directories="$configuration $("$postconf" -h multi_instance_directories 2>/dev/null)"
    fi
    complaints=complaint
    for directory in $directories; do instance "$directory"; done
}

postconf='' postmap='' openssl=''
postfix_host
