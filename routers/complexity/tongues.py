"""A small dictionary into English, by which a task in another language meets what was learned from English prompts.

Each entry is one English word and, after `=`, the words that say the same, in the forms in which tasks use them.
Chinese and Japanese are written without spaces: their entries are pairs of characters, looked for anywhere in a text.
"""

from typing import Final

_GERMAN: Final = """
what=was which=welche,welcher,welches,welchen who=wer,wem,wen whose=wessen when=wann where=wo,woher,wohin how=wie
why=warum,weshalb,wieso,weswegen many=viele,vielen much=viel the=der,die,das,den,dem,des
a=ein,eine,einen,einem,einer and=und or=oder not=nicht,kein,keine,keinen is=ist are=sind was=war were=waren
of=von,vom in=im to=zu,zum,zur with=mit for=für from=aus by=durch on=auf at=bei,beim it=es
this=diese,dieser,dieses,diesen that=dass he=er she=sie they=ihnen has=hat have=haben be=sein,werden,wird
can=kann,können my=mein,meine,meinen,meiner his=seine,seinen her=ihr,ihre,ihren if=wenn,falls,ob then=dann
all=alle,allen,alles only=nur each=jede,jeder,jedes,jeden every=jeweils between=zwischen per=pro than=als more=mehr
less=weniger because=weil,da but=aber also=auch after=nach before=vor under=unter
prove=beweise,beweisen,zeige,zeigen,nachweisen show=zeig proof=beweis justify=begründe,begründen,rechtfertige
explain=erkläre,erklären,erläutere,erläutern derive=herleiten,leite compare=vergleiche,vergleichen reason=grund
discuss=erörtere,diskutiere calculate=berechne,berechnen,rechne compute=ausrechnen find=finde,finden,findet
determine=bestimme,bestimmen,ermittle solve=löse,lösen write=schreibe,schreib,schreiben name=nenne,nennt,name
list=liste,aufzählung say=sag,sage translate=übersetze,übersetzen describe=beschreibe implement=implementiere
number=zahl,anzahl numbers=zahlen prime=primzahl,primzahlen integer=ganze,ganzen,ganzzahl
equation=gleichung,gleichungen function=funktion,funktionen integral=integral,integrale derivative=ableitung
vector=vektor,vektoren matrix=matrix,matrizen probability=wahrscheinlichkeit triangle=dreieck angle=winkel
theorem=satz sum=summe product=produkt ratio=verhältnis percent=prozent average=durchschnitt,mittelwert
infinite=unendlich,unendliche limit=grenzwert group=gruppe ring=ring field=körper graph=graph,graphen
polynomial=polynom root=wurzel,nullstelle square=quadrat circle=kreis variance=varianz converges=konvergiert
continuous=stetig,stetige energy=energie velocity=geschwindigkeit mass=masse force=kraft temperature=temperatur
pressure=druck volume=volumen density=dichte charge=ladung current=strom heat=wärme hours=stunden,stunde
minutes=minuten meters=meter degrees=grad price=preis cost=kostet,kosten total=insgesamt,gesamt
half=hälfte,halb,halbe twice=doppelt,zweimal remaining=übrig left=links right=rechts times=mal buy=kauft,kaufen
pays=bezahlt,zahlt days=tage,tagen program=programm code=code algorithm=algorithmus string=zeichenkette array=feld
loop=schleife sort=sortiere,sortiert query=abfrage database=datenbank error=fehler class=klasse suppose=angenommen
assume=annahme given=gegeben,gegebenen must=muss,müssen exactly=genau neither=weder
conditions=bedingungen,voraussetzungen contract=vertrag,vertrags court=gericht law=recht,gesetz liable=haftet
damages=schadensersatz evidence=beweismittel patient=patient,patientin treatment=behandlung blood=blut
disease=krankheit symptoms=symptome cell=zelle capital=hauptstadt country=land city=stadt president=präsident
film=film song=lied author=autor wrote=schrieb,geschrieben born=geboren year=jahr war=krieg century=jahrhundert
hello=hallo thanks=danke please=bitte poem=gedicht story=geschichte birthday=geburtstag message=nachricht
letter=brief joke=witz friendly=freundliche short=kurze,kurzen,kurz good=guten,gut true=wahr false=falsch
correct=richtig,korrekt following=folgende,folgenden answer=antwort question=frage text=text
"""
_FRENCH: Final = """
what=quoi,que which=quel,quelle,quels,quelles who=qui when=quand where=où how=comment many=combien why=pourquoi
the=le,la,les,l a=un,une,des and=et or=ou not=pas,ne,n is=est are=sont was=était were=étaient of=de,du,d in=dans,en
to=à,au,aux with=avec for=pour from=depuis by=par on=sur it=il,elle this=ce,cette,cet,ces that=qu he=lui
they=ils,elles has=a have=ont,avoir be=être,soit can=peut,peux my=mon,ma,mes his=son,sa,ses if=si then=alors
all=tous,toutes,tout only=seulement each=chaque every=chacun between=entre than=plus more=davantage less=moins
because=parce,car but=mais after=après before=avant under=sous their=leur,leurs
prove=démontre,démontrer,démontrez,prouve,prouver,montre show=montrer,montrez proof=démonstration,preuve
justify=justifie,justifier,justifiez explain=explique,expliquer,expliquez derive=déduire,déduis
compare=compare,comparez reason=raison discuss=discute,discuter calculate=calcule,calculer,calculez
find=trouve,trouver,trouvez determine=détermine,déterminer,déterminez solve=résous,résoudre,résolvez
write=écris,écrire,écrivez name=nomme,cite,nom list=liste,énumère say=dis,dites translate=traduis,traduire
describe=décris,décrire implement=implémente number=nombre,numéro numbers=nombres prime=premier,premiers
integer=entier,entiers equation=équation,équations function=fonction,fonctions integral=intégrale,intégrales
derivative=dérivée vector=vecteur,vecteurs matrix=matrice,matrices probability=probabilité triangle=triangle
angle=angle theorem=théorème sum=somme product=produit ratio=rapport percent=pourcent,pourcentage average=moyenne
infinite=infinité,infini limit=limite group=groupe ring=anneau field=corps graph=graphe polynomial=polynôme
root=racine square=carré circle=cercle variance=variance converges=converge continuous=continue energy=énergie
velocity=vitesse mass=masse force=force temperature=température pressure=pression volume=volume density=densité
charge=charge current=courant heat=chaleur hours=heures,heure minutes=minutes meters=mètres degrees=degrés
price=prix cost=coûte,coût total=total half=moitié,demi twice=double,deux-fois remaining=reste,restants left=gauche
right=droite times=fois buy=achète pays=paie days=jours program=programme code=code algorithm=algorithme
string=chaîne array=tableau loop=boucle sort=trie,trier query=requête database=base error=erreur class=classe
suppose=supposons,suppose assume=admettons given=donné,donnés,donnée must=doit,doivent exactly=exactement neither=ni
conditions=conditions contract=contrat court=tribunal law=droit,loi liable=responsable damages=dommages
evidence=preuves patient=patient,patiente treatment=traitement blood=sang disease=maladie symptoms=symptômes
cell=cellule capital=capitale country=pays city=ville president=président film=film song=chanson author=auteur
wrote=écrit born=né,née year=année,an war=guerre century=siècle hello=bonjour,salut thanks=merci
please=s'il,veuillez poem=poème story=histoire birthday=anniversaire message=message letter=lettre joke=blague
friendly=amical,sympathique short=court,courte,petit good=bon,bonne true=vrai false=faux correct=correcte,juste
following=suivant,suivante,suivants answer=réponse question=question text=texte
"""
_SPANISH: Final = """
what=qué which=cuál,cuáles who=quién,quiénes when=cuándo where=dónde how=cómo many=cuántos,cuántas
much=cuánto,cuánta why=porqué the=el,la,los,las a=un,una and=y,e or=o,u not=no is=es,está are=son,están was=era,fue
of=de,del in=en to=a,al with=con for=para from=desde by=por on=sobre it=lo this=este,esta,estos,estas that=que he=él
she=ella they=ellos,ellas has=ha,tiene have=han be=ser,sea can=puede,puedes my=mi,mis his=su,sus if=si then=entonces
all=todos,todas,todo only=solo,sólo each=cada between=entre than=más more=mayor less=menos,menor because=porque
but=pero after=después before=antes prove=demuestra,demostrar,demuestre,prueba show=muestra,mostrar
proof=demostración justify=justifica,justificar,justifique explain=explica,explicar,explique derive=deduce,deducir
compare=compara,comparar reason=razón discuss=discute,analiza calculate=calcula,calcular,calcule
find=encuentra,encontrar,halla,hallar,encuentre determine=determina,determinar solve=resuelve,resolver,resuelva
write=escribe,escribir,escriba name=nombra,nombre list=lista,enumera say=di,diga translate=traduce,traducir
describe=describe,describir implement=implementa number=número numbers=números prime=primo,primos
integer=entero,enteros equation=ecuación,ecuaciones function=función,funciones integral=integral derivative=derivada
vector=vector,vectores matrix=matriz,matrices probability=probabilidad triangle=triángulo angle=ángulo
theorem=teorema sum=suma product=producto ratio=razones percent=ciento,porcentaje average=promedio,media
infinite=infinitos,infinito limit=límite group=grupo ring=anillo field=cuerpo graph=grafo polynomial=polinomio
root=raíz square=cuadrado circle=círculo variance=varianza converges=converge continuous=continua energy=energía
velocity=velocidad mass=masa force=fuerza temperature=temperatura pressure=presión volume=volumen density=densidad
charge=carga current=corriente heat=calor hours=horas,hora minutes=minutos meters=metros degrees=grados price=precio
cost=cuesta,cuestan,costo total=total half=mitad,medio twice=doble remaining=queda,quedan left=izquierda
right=derecha times=veces buy=compra pays=paga days=días program=programa code=código algorithm=algoritmo
string=cadena array=arreglo loop=bucle sort=ordena,ordenar query=consulta database=datos error=error class=clase
suppose=supón,suponga,supongamos assume=asume given=dado,dados,dada must=debe,deben exactly=exactamente neither=ni
conditions=condiciones contract=contrato court=tribunal law=derecho,ley liable=responsable
damages=indemnización,daños evidence=pruebas patient=paciente treatment=tratamiento blood=sangre disease=enfermedad
symptoms=síntomas cell=célula capital=capital country=país city=ciudad president=presidente film=película
song=canción author=autor,autora wrote=escribió born=nació year=año war=guerra century=siglo hello=hola,saluda
thanks=gracias please=favor poem=poema story=historia,cuento birthday=cumpleaños message=mensaje letter=carta
joke=chiste friendly=amable,cariñoso short=corto,corta,breve good=buen,bueno,buena,buenos true=verdadero,cierto
false=falso correct=correcto,correcta following=siguiente,siguientes answer=respuesta question=pregunta text=texto
"""
_ITALIAN: Final = """
what=cosa,che which=quale,quali,qual who=chi when=quando where=dove how=come many=quanti,quante much=quanto,quanta
why=perché the=il,lo,la,gli,le,i,l a=un,uno,una and=e,ed or=o not=non is=è are=sono was=era,fu
of=di,del,della,dei,delle in=nel,nella,nei to=a,al,alla with=con for=per from=da,dal,dalla by=dai on=su,sul,sulla
it=esso this=questo,questa,questi he=lui she=lei they=loro has=ha have=hanno be=essere,sia can=può,puoi
my=mio,mia,miei his=suo,sua if=se then=allora,poi all=tutti,tutte,tutto only=solo,soltanto each=ogni,ciascuno
between=tra,fra than=più more=maggiore less=meno,minore because=poiché but=ma after=dopo before=prima
prove=dimostra,dimostrare,dimostri,prova show=mostra,mostrare proof=dimostrazione justify=giustifica,giustificare
explain=spiega,spiegare,spieghi derive=deduci,ricava compare=confronta reason=ragione discuss=discuti
calculate=calcola,calcolare,calcoli find=trova,trovare,trovi determine=determina,determinare solve=risolvi,risolvere
write=scrivi,scrivere,scriva name=nomina,nome list=elenca,lista say=di',dica translate=traduci,tradurre
describe=descrivi implement=implementa number=numero numbers=numeri prime=primi,primo integer=intero,interi
equation=equazione,equazioni function=funzione,funzioni integral=integrale,integrali derivative=derivata
vector=vettore,vettori matrix=matrice,matrici probability=probabilità triangle=triangolo angle=angolo
theorem=teorema sum=somma product=prodotto ratio=rapporto percent=percento,percentuale average=media
infinite=infiniti,infinito limit=limite group=gruppo ring=anello field=campo graph=grafo polynomial=polinomio
root=radice square=quadrato circle=cerchio variance=varianza converges=converge continuous=continua energy=energia
velocity=velocità mass=massa force=forza temperature=temperatura pressure=pressione volume=volume density=densità
charge=carica current=corrente heat=calore hours=ore,ora minutes=minuti meters=metri degrees=gradi price=prezzo
cost=costa,costano,costo total=totale half=metà,mezzo twice=doppio remaining=restano,rimane left=sinistra
right=destra times=volte buy=compra pays=paga days=giorni program=programma code=codice algorithm=algoritmo
string=stringa array=vettori loop=ciclo sort=ordina,ordinare query=interrogazione database=dati error=errore
class=classe suppose=supponi,supponiamo assume=assumi given=dato,dati,data must=deve,devono exactly=esattamente
neither=né conditions=condizioni contract=contratto court=tribunale law=legge,diritto liable=responsabile
damages=danni,risarcimento evidence=prove patient=paziente treatment=trattamento,cura blood=sangue disease=malattia
symptoms=sintomi cell=cellula capital=capitale country=paese city=città president=presidente film=film song=canzone
author=autore wrote=scrisse,scritto born=nato,nata year=anno war=guerra century=secolo hello=ciao,buongiorno,saluta
thanks=grazie,ringrazia please=favore poem=poesia story=storia,racconto birthday=compleanno message=messaggio
letter=lettera joke=barzelletta friendly=affettuoso,amichevole short=breve,corto,corta good=buon,buono,bel true=vero
false=falso correct=corretta,corretto following=seguente,seguenti answer=risposta question=domanda text=testo
"""
_PORTUGUESE: Final = """
what=que,quê which=qual,quais who=quem when=quando where=onde how=como many=quantos,quantas much=quanto,quanta
why=porquê the=o,os,as a=um,uma and=e or=ou not=não is=é,está are=são,estão was=era,foi of=de,do,da,dos,das
in=em,no,na,nos,nas to=ao,à,aos with=com for=para from=desde by=por,pelo,pela on=sobre it=isso
this=este,esta,estes,estas,esse,essa he=ele she=ela they=eles,elas has=tem,há have=têm be=ser,seja can=pode
my=meu,minha his=seu,sua if=se then=então all=todos,todas,tudo only=só,somente,apenas each=cada between=entre
than=mais more=maior less=menos,menor because=porque but=mas after=depois before=antes
prove=prove,provar,demonstre,demonstrar,mostre show=mostrar proof=prova,demonstração justify=justifique,justificar
explain=explique,explicar,explica derive=deduza compare=compare,comparar reason=razão discuss=discuta
calculate=calcule,calcular,calcula find=encontre,encontrar,ache determine=determine,determinar
solve=resolva,resolver write=escreva,escrever,escreve name=diga,nomeie,nome list=lista,liste
translate=traduza,traduzir describe=descreva implement=implemente number=número numbers=números prime=primos,primo
integer=inteiro,inteiros equation=equação,equações function=função,funções integral=integral,integrais
derivative=derivada vector=vetor,vetores matrix=matriz,matrizes probability=probabilidade triangle=triângulo
angle=ângulo theorem=teorema sum=soma product=produto ratio=proporção percent=cento,percentagem,porcentagem
average=média infinite=infinitos,infinito limit=limite group=grupo ring=anel field=corpo graph=grafo
polynomial=polinómio,polinômio root=raiz square=quadrado circle=círculo variance=variância converges=converge
continuous=contínua energy=energia velocity=velocidade mass=massa force=força temperature=temperatura
pressure=pressão volume=volume density=densidade charge=carga current=corrente heat=calor hours=horas,hora
minutes=minutos meters=metros degrees=graus price=preço cost=custa,custam,custo total=total half=metade,meio
twice=dobro remaining=resta,restam left=esquerda right=direita times=vezes buy=compra pays=paga days=dias
program=programa code=código algorithm=algoritmo string=cadeia array=vetores loop=laço sort=ordene,ordenar
query=consulta database=dados error=erro class=classe suppose=suponha,supondo assume=assuma given=dado,dados,dada
must=deve,devem exactly=exatamente neither=nem conditions=condições contract=contrato court=tribunal law=lei,direito
liable=responsável damages=indemnização,indenização,danos evidence=provas patient=paciente treatment=tratamento
blood=sangue disease=doença symptoms=sintomas cell=célula capital=capital country=país city=cidade
president=presidente film=filme song=canção,música author=autor wrote=escreveu born=nasceu year=ano war=guerra
century=século hello=olá,cumprimente thanks=obrigado,obrigada please=favor poem=poema story=história
birthday=aniversário message=mensagem letter=carta joke=piada friendly=simpática,simpático,amigável
short=curto,curta,breve good=bom,boa true=verdadeiro false=falso correct=correta,correto,certo
following=seguinte,seguintes answer=resposta question=pergunta text=texto
"""
_DUTCH: Final = """
what=wat which=welke,welk who=wie whose=wiens when=wanneer where=waar how=hoe many=veel why=waarom the=de,het a=een
and=en or=of not=niet,geen is=is are=zijn was=was were=waren of=van in=in to=naar,te,tot with=met for=voor from=uit
by=door on=op,aan at=bij it=het this=deze,dit that=dat,die he=hij she=zij,ze has=heeft have=hebben be=worden,wordt
can=kan,kun,kunnen my=mijn his=zijn's her=haar if=als,indien then=dan all=alle,allemaal,alles only=alleen,slechts
each=elke,elk,ieder between=tussen per=per more=meer less=minder because=omdat,want but=maar after=na before=vóór
under=onder prove=bewijs,bewijzen,toon show=laat,tonen justify=verantwoord,rechtvaardig,motiveer
explain=leg,verklaar,uitleggen derive=afleiden compare=vergelijk,vergelijken reason=reden discuss=bespreek
calculate=bereken,berekenen find=vind,vinden,vindt,zoek determine=bepaal,bepalen solve=los,oplossen
write=schrijf,schrijven name=noem,naam list=lijst,opsomming say=zeg translate=vertaal,vertalen describe=beschrijf
implement=implementeer number=getal,aantal numbers=getallen prime=priemgetal,priemgetallen integer=gehele,geheel
equation=vergelijking,vergelijkingen function=functie,functies integral=integraal derivative=afgeleide
vector=vector,vectoren matrix=matrix,matrices probability=kans,waarschijnlijkheid triangle=driehoek angle=hoek
theorem=stelling sum=som product=product ratio=verhouding percent=procent average=gemiddelde infinite=oneindig
limit=limiet group=groep ring=ring field=lichaam graph=graaf polynomial=veelterm,polynoom root=wortel
square=vierkant,kwadraat circle=cirkel variance=variantie converges=convergeert continuous=continu energy=energie
velocity=snelheid mass=massa force=kracht temperature=temperatuur pressure=druk volume=volume density=dichtheid
charge=lading current=stroom heat=warmte hours=uur,uren minutes=minuten meters=meter degrees=graden price=prijs
cost=kost,kosten total=totaal half=helft,half,halve twice=dubbel,tweemaal remaining=overig,over left=links
right=rechts times=keer,maal buy=koopt,kopen pays=betaalt days=dagen program=programma code=code algorithm=algoritme
string=tekenreeks loop=lus sort=sorteer,sorteert query=zoekvraag database=databank error=fout class=klasse
suppose=stel,veronderstel given=gegeven must=moet,moeten exactly=precies neither=noch conditions=voorwaarden
contract=overeenkomst,contract court=rechtbank,rechter law=wet,recht liable=aansprakelijk damages=schadevergoeding
evidence=bewijsmateriaal patient=patiënt treatment=behandeling blood=bloed disease=ziekte symptoms=symptomen
cell=cel capital=hoofdstad country=land city=stad president=president film=film song=lied,liedje
author=auteur,schrijver wrote=schreef,geschreven born=geboren year=jaar war=oorlog century=eeuw hello=hallo,groeten
thanks=bedankt,bedank,dank please=alsjeblieft,alstublieft poem=gedicht story=verhaal birthday=verjaardag
message=bericht letter=brief joke=grap,mop friendly=vriendelijk short=kort,korte good=goed,goede true=waar's
false=onwaar correct=juist,juiste,klopt following=volgende answer=antwoord question=vraag text=tekst
"""
_POLISH: Final = """
what=co,jaka,jakie,jaki which=który,która,które,którym who=kto whose=czyj,czyja when=kiedy where=gdzie how=jak
many=ile,wiele why=dlaczego,czemu and=i,oraz,a or=lub,albo not=nie is=jest are=są was=był,była,było were=były
of=z,ze in=w,we to=do with=wraz for=dla from=od by=przez on=na it=to this=ten,ta,tego,tej that=że he=on she=ona
they=oni has=ma have=mają be=być,będzie can=może,możesz my=mój,moja,mojej his=jego her=jej if=jeśli,jeżeli,czy
then=wtedy all=wszystkie,wszystkich,wszyscy only=tylko each=każdy,każda,każde,każdego between=między than=niż
more=więcej less=mniej because=ponieważ,bo but=ale after=po before=przed under=pod prove=udowodnij,wykaż,dowiedź
show=pokaż proof=dowód justify=uzasadnij explain=wyjaśnij,wytłumacz derive=wyprowadź compare=porównaj reason=powód
discuss=omów calculate=oblicz,obliczyć find=znajdź,znajduje,wyznacz determine=określ,ustal solve=rozwiąż
write=napisz,napisać name=wymień,nazwij list=lista,wypisz say=powiedz translate=przetłumacz describe=opisz
implement=zaimplementuj number=liczba,liczbę numbers=liczb,liczby,liczbami prime=pierwsza,pierwszych,pierwsze
integer=całkowita,całkowitych,całkowite equation=równanie,równania function=funkcja,funkcję,funkcji
integral=całka,całkę derivative=pochodna,pochodną vector=wektor,wektory matrix=macierz,macierzy
probability=prawdopodobieństwo triangle=trójkąt,trójkąta angle=kąt,kąta,kątem theorem=twierdzenie sum=suma,sumę
product=iloczyn ratio=stosunek percent=procent,procentach average=średnia,średnią
infinite=nieskończenie,nieskończony limit=granica,granicę group=grupa,grupy ring=pierścień field=ciało
graph=graf,grafu polynomial=wielomian root=pierwiastek square=kwadrat circle=koło,okrąg variance=wariancja
converges=zbieżny continuous=ciągła energy=energia,energię velocity=prędkość,prędkością mass=masa,masie
force=siła,siłę temperature=temperatura pressure=ciśnienie volume=objętość density=gęstość charge=ładunek
current=prąd heat=ciepło hours=godzin,godziny,godzina minutes=minut,minuty meters=metrów,metry
degrees=stopni,stopnie price=cena,cenę cost=kosztuje,kosztują,koszt total=razem,łącznie half=połowa,połowę,pół
twice=dwukrotnie,podwójnie remaining=zostało,pozostało left=lewo,lewej right=prawo,prawej times=razy
buy=kupuje,kupił pays=płaci days=dni program=program code=kod algorithm=algorytm string=napis array=tablica,tablicę
loop=pętla sort=posortuj,sortuje query=zapytanie database=danych error=błąd class=klasa,klasę
suppose=załóżmy,przypuśćmy assume=załóż given=dany,dana,dane must=musi,muszą exactly=dokładnie neither=ani
conditions=warunki,warunkach contract=umowa,umowy court=sąd law=prawo liable=odpowiada damages=odszkodowanie
evidence=dowody patient=pacjent,pacjenta treatment=leczenie blood=krew,krwi disease=choroba symptoms=objawy
cell=komórka capital=stolica country=kraj city=miasto,mieście president=prezydent film=film song=piosenka
author=autor wrote=napisał,napisała born=urodził,urodziła year=rok,roku war=wojna,wojny century=wiek
hello=cześć,witaj,pozdrów thanks=dzięki,dziękuję please=proszę poem=wiersz story=opowiadanie,historia
birthday=urodzin,urodzinowe,urodziny message=wiadomość letter=list joke=żart,dowcip friendly=miłe,przyjazny
short=krótki,krótkie,krótką good=dobry,dobre true=prawda,prawdziwe false=fałsz,fałszywe correct=poprawna,poprawny
following=następujące,następujący answer=odpowiedź question=pytanie text=tekst
"""
_CHINESE: Final = """
what=什么,哪个,哪种 who=谁是,谁写,是谁 when=何时,哪年,哪一 where=哪里,哪儿,在哪 why=为何,为什 how=如何,怎样,怎么
many=多少,几个 much=多久,多大 if=如果,假如,若是 not=不能,不是,没有 only=只有,仅仅 each=每个,每一 all=所有,全部
between=之间 because=因为 given=已知,给定 suppose=假设,设有 prove=证明,求证 justify=理由,说明 explain=解释,阐述
derive=推导 compare=比较 discuss=讨论,论述 calculate=计算,求出 determine=确定,判断 solve=求解,解方 find=找出,找到
write=写一,编写,写出 summarise=总结,摘要,概括 name=说出,列举 list=列出 translate=翻译 implement=实现 number=数字,个数
numbers=整数 prime=素数,质数 equation=方程 function=函数 integral=积分 derivative=导数,求导 vector=向量 matrix=矩阵
probability=概率 triangle=三角 angle=角度,夹角 theorem=定理 sum=总和,之和 product=乘积 ratio=比例 percent=百分
average=平均 infinite=无穷,无限 limit=极限 group=群的,子群 graph=图论 polynomial=多项 root=平方,根号
circle=圆形,圆的 variance=方差 converges=收敛 continuous=连续 energy=能量,动能,势能 velocity=速度 mass=质量
force=力的,受力 temperature=温度 pressure=压力,压强 volume=体积 density=密度 charge=电荷 current=电流 heat=热量
hours=小时 minutes=分钟 meters=公里,厘米 price=价格 cost=花费,成本 total=一共,总共 half=一半 twice=两倍
remaining=剩下,剩余 left=左边 right=右边 buy=购买,买了 days=天后 program=程序 code=代码 algorithm=算法 string=字符
array=数组 loop=循环 sort=排序 query=查询 database=数据 error=错误 must=必须 exactly=正好,恰好 conditions=条件
contract=合同 court=法院 law=法律 liable=责任 damages=赔偿 evidence=证据 patient=患者,病人 treatment=治疗 blood=血液
disease=疾病 symptoms=症状 cell=细胞 capital=首都 country=国家 city=城市 president=总统 film=电影 song=歌曲
author=作者 born=出生 year=年份,哪年 war=战争,大战 century=世纪 hello=你好,问好,您好 thanks=谢谢 please=请给,请你
poem=诗歌,首诗 story=故事 birthday=生日 message=祝福,消息 joke=笑话 short=简短 good=推荐,早上 answer=答案
question=问题
"""
_JAPANESE: Final = """
what=何で,何と,何が,何色 which=どの,どれ who=誰で,誰が when=いつ where=どこ why=なぜ,何故 how=どの,どう
many=いく,何個,何人 much=何時 if=とき,なら,場合 not=ない,ませ only=だけ,のみ each=各々,各段 all=全て,すべ
because=ため given=与え suppose=仮定 prove=証明,示せ justify=理由,根拠 explain=説明,解説 derive=導出 compare=比較
discuss=論じ calculate=計算,算出 determine=決定,判定 solve=解い,解け find=求め,見つ write=書き,書い name=挙げ
list=列挙 summarise=要約 translate=翻訳,訳し implement=実装 number=個数,数値 numbers=整数 prime=素数
equation=方程 function=関数
integral=積分 derivative=微分,導関 vector=ベク matrix=行列 probability=確率 triangle=三角 angle=角度 theorem=定理
sum=合計,総和 product=積を ratio=比率 percent=割合,パー average=平均 infinite=無限 limit=極限 group=部分,群の
graph=グラ polynomial=多項 root=平方 circle=円の variance=分散 converges=収束 continuous=連続 energy=エネ
velocity=速度,速さ mass=質量 force=力を temperature=温度 pressure=圧力 volume=体積 density=密度 charge=電荷
current=電流 heat=熱量 hours=時間 minutes=分間 price=値段,価格 cost=費用 total=全部 half=半分 twice=二倍
remaining=残り left=左に right=右に buy=買い days=日間 program=プロ code=コー algorithm=アル string=文字 array=配列
loop=ルー sort=ソー,並べ query=クエ database=デー error=エラ must=必要 exactly=ちょ conditions=条件 contract=契約
court=裁判 law=法律 liable=責任,義務 damages=損害,賠償 evidence=証拠 patient=患者 treatment=治療 blood=血液
disease=病気 symptoms=症状 cell=細胞 capital=首都 country=国の city=都市 president=大統 film=映画 song=歌を
author=作者 wrote=書い born=生ま year=何年 war=戦争,大戦 century=世紀 hello=こん,よろ,おは thanks=お礼,あり
poem=詩を,俳句 story=物語 birthday=誕生 message=メッ joke=冗談 short=短く,短い good=良い answer=答え question=質問
"""


def _entries(text: str) -> dict[str, str]:
    """By word in the other language: the English one."""
    english: dict[str, str] = {}
    for entry in text.split():
        word, _, others = entry.partition("=")
        for other in others.split(","):
            english.setdefault(other, word)
    return english


def _by_word(text: str) -> dict[bytes, bytes]:
    return {other.encode(): word.encode() for other, word in _entries(text).items()}


def _by_pair(text: str) -> dict[str, bytes]:
    return {other: word.encode() for other, word in _entries(text).items()}


SPACED: Final = {
    "de": _by_word(_GERMAN),
    "fr": _by_word(_FRENCH),
    "es": _by_word(_SPANISH),
    "it": _by_word(_ITALIAN),
    "pt": _by_word(_PORTUGUESE),
    "nl": _by_word(_DUTCH),
    "pl": _by_word(_POLISH),
}
UNSPACED: Final = {"zh": _by_pair(_CHINESE), "ja": _by_pair(_JAPANESE)}
