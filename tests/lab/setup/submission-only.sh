# Takes mail from authenticated users only; nothing listens on port 25 but the loopback address.
good_certificate /etc/ssl/certs/mail.pem /etc/ssl/private/mail.key
{ sound_main_cf; sasl_settings; } > /etc/postfix/main.cf
sed -i 's/^smtp  *inet/127.0.0.1:smtp inet/' /etc/postfix/master.cf
sasl_services >> /etc/postfix/master.cf
sasl_users
newaliases
start_postfix
